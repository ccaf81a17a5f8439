"""Nothing that fails is ever public: the order of a first deploy, and what the check takes for a failure."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lambent import events
from lambent.aws.boto import connect
from lambent.aws.interface import Aws
from lambent.config.model import Hosting
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deploy import deploy
from lambent.deployment.fetch import fetch
from lambent.deployment.rollback import rollback
from lambent.deployment.status import apps, status
from lambent.deployment.version_list import versions
from lambent.errors import DeployError
from support.deploy_cases import HookedAws, artifact, config
from support.local_service import serving

RUNTIME = f"python3.{sys.version_info.minor}"
QUICK = Timing(role_s=5, settle_s=30, answer_s=5)
ANSWERS = "def lambda_handler(event, context):\n    return {{'statusCode': {status}, 'body': {body!r}}}\n"
OWN_HOST_ONLY = """
def lambda_handler(event, context):
    host = event["headers"]["host"]
    if host != event["requestContext"]["domainName"] or host.startswith("lambent-check"):
        return {"statusCode": 400, "body": "Invalid host header"}
    raise ValueError("broken under " + host)
"""
ALLOWED = """
ALLOWED_HOSTS = NAMES
def lambda_handler(event, context):
    host = event["headers"]["host"].partition(":")[0]
    if not any(host.endswith(name) if name.startswith(".") else host == name for name in ALLOWED_HOSTS):  # as Django does
        return {"statusCode": 400, "body": "<title>Bad Request (400)</title>"}
    return {"statusCode": 200, "body": "hello"}
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with serving(tmp_path_factory.mktemp("state")) as service:
        yield connect("eu-west-1", endpoint_url=service.url, keys=("lambent", "lambent"))


def run(aws: Any, folder: Path, name: str, text: str, emit: events.Emit = events.ignore, **hosting: Any) -> events.Deployed:
    zipped = artifact(folder, text, runtime=RUNTIME)
    return deploy(config(folder, name, runtime=RUNTIME, hosting=Hosting(**hosting)), zipped, DeployContext(aws, emit, QUICK))


def answers(body: str, status: int = 200) -> str:
    return ANSWERS.format(body=body, status=status)


def test_first_version_that_fails_under_its_own_host_is_never_public(aws: Aws, tmp_path: Path) -> None:
    seen: list[int] = []

    def request(call: str, number: int) -> None:
        url = aws.url("first", "live")
        if url is not None:
            seen.append(fetch(url.address, 10).status)

    with pytest.raises(DeployError, match="broken under ") as failed:
        run(HookedAws(aws, after=request), tmp_path, "first", OWN_HOST_ONLY)
    assert seen and set(seen) == {403}
    assert "no one can call it" in failed.value.hint and "still live" not in failed.value.hint
    shown = status("first", aws, 5)
    assert (
        shown
        and (shown.version, shown.access) == ("", "signed")
        and "no one can call it" in shown.unfinished
        and not shown.drift
    )
    assert versions("first", aws).versions[0].share == 0
    assert next(app for app in apps(aws).apps if app.app == "first").version == ""
    with pytest.raises(DeployError, match="no version of first is live"):
        rollback("first", "", DeployContext(aws, events.ignore, QUICK))

    fixed = run(aws, tmp_path, "first", answers("fixed"))
    assert fixed.url == shown.url and fetch(fixed.url, 10).body == b"fixed"
    with pytest.raises(DeployError, match="version 2 is the first one that was live"):
        rollback("first", "", DeployContext(aws, events.ignore, QUICK))


def test_refused_host_is_named_and_the_printed_edit_works(aws: Aws, tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="refuses requests to its own host name with status 400") as refused:
        run(aws, tmp_path, "hosts", ALLOWED.replace("NAMES", '["example.com"]'))
    names = refused.value.hint.partition("ALLOWED_HOSTS = ")[2].partition(", with")[0]
    url = run(aws, tmp_path, "hosts", ALLOWED.replace("NAMES", names)).url
    assert fetch(url, 10).body == b"hello"


def test_update_that_fails_says_which_version_is_still_live(aws: Aws, tmp_path: Path) -> None:
    url = run(aws, tmp_path, "update", answers("one")).url
    for failing in (answers("", 503), answers("", 421), answers("Host 'x' is not trusted.", 400)):
        with pytest.raises(DeployError) as failed:
            run(aws, tmp_path, "update", failing)
        assert failed.value.hint.endswith("(version 1 is still live)")
        assert fetch(url, 10).body == b"one"


@pytest.mark.parametrize("code", (400, 404))
def test_app_without_a_start_page_goes_live(aws: Aws, tmp_path: Path, code: int) -> None:
    seen: list[events.Event] = []
    url = run(aws, tmp_path, f"quiet{code}", answers("q is missing", code), seen.append).url
    assert fetch(url, 10).status == code
    warnings = [event.text for event in seen if isinstance(event, events.Warned)]
    assert [text.partition(":")[0] for text in warnings] == (["no route for /"] if code == 404 else [])


def test_opening_a_signed_url_checks_its_version_first(aws: Aws, tmp_path: Path) -> None:
    text = """
def lambda_handler(event, context):
    signed = event["requestContext"]["accountId"] != "anonymous"
    return {"statusCode": 200 if signed else 500, "body": ""}
"""
    url = run(aws, tmp_path, "opening", text, auth="AWS_IAM").url
    with pytest.raises(DeployError, match="500") as failed:
        run(aws, tmp_path, "opening", text)
    assert "its URL was not opened" in failed.value.hint
    assert fetch(url, 10).status == 403


def test_first_version_that_fails_once_it_is_public_is_closed_again(aws: Aws, tmp_path: Path) -> None:
    text = """
def lambda_handler(event, context):
    if event["headers"]["user-agent"] != "lambent" or REQUESTS:
        raise ValueError("not twice")
    REQUESTS.append(event)
    return {"statusCode": 200, "body": "once"}
REQUESTS = []
"""
    with pytest.raises(DeployError, match="not twice") as failed:
        run(aws, tmp_path, "closed", text)
    assert "the URL is closed again" in failed.value.hint
    shown = status("closed", aws, 5)
    assert shown and shown.version == "" and fetch(shown.url, 10).status == 403
    assert fetch(run(aws, tmp_path, "closed", answers("fixed")).url, 10).body == b"fixed"
