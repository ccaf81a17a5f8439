"""Deploys to the local Lambda: real zips, real processes, a real URL. Both sides meet over HTTP only."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lambent import events
from lambent.aws.boto import connect
from lambent.aws.interface import Aws
from lambent.config.model import App
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deploy import deploy
from lambent.deployment.fetch import fetch
from lambent.deployment.observed import observe
from lambent.errors import DeployError, LambentError
from support.deploy_cases import READS, HookedAws, artifact, config
from support.local_service import serving

RUNTIME = f"python3.{sys.version_info.minor}"
QUICK = Timing(role_s=5, settle_s=30, answer_s=5)
FRESH = itertools.count()
SAYS = "def lambda_handler(event, context):\n    return {{'statusCode': {status}, 'body': {body!r}}}\n"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("state")) as service:
        yield service.url


@pytest.fixture(scope="module")
def aws(endpoint: str) -> Aws:
    return connect("eu-west-1", endpoint_url=endpoint, keys=("lambent", "lambent"))


@pytest.fixture
def name() -> str:
    return f"local{next(FRESH)}"


def run(aws: Aws, folder: Path, name: str, text: str, **changes: object) -> events.Deployed:
    zipped = artifact(folder, text, runtime=RUNTIME)
    return deploy(config(folder, name, runtime=RUNTIME, **changes), zipped, DeployContext(aws, events.ignore, QUICK))


def says(body: str, status: int = 200) -> str:
    return SAYS.format(body=body, status=status)


def test_first_and_second_deploy_respond(aws: Aws, name: str, tmp_path: Path) -> None:
    first = run(aws, tmp_path, name, says("one"))
    assert (first.version, first.changed) == ("1", True)
    assert fetch(first.url, 10).body == b"one"

    watched = HookedAws(aws)
    again = run(watched, tmp_path, name, says("one"))
    assert (again.version, again.url, again.changed) == ("1", first.url, False)
    assert set(watched.calls) <= READS and len(watched.calls) == 15

    second = run(aws, tmp_path, name, says("two"))
    assert (second.version, second.url) == ("2", first.url)
    assert fetch(first.url, 10).body == b"two"

    third = run(aws, tmp_path, name, says("two"), memory_mb=256, environment=(("COLOUR", "b"),))
    assert (third.version, third.url) == ("3", first.url)
    assert run(aws, tmp_path, name, says("two"), memory_mb=256, environment=(("COLOUR", "b"),)).changed is False


def test_failing_version_does_not_go_live(aws: Aws, name: str, tmp_path: Path) -> None:
    good = run(aws, tmp_path, name, says("good"))
    bad = "import os\nGREETING = os.environ['GREETING']\n\ndef lambda_handler(event, context):\n    return GREETING\n"
    for _ in range(2):
        with pytest.raises(DeployError) as failed:
            run(aws, tmp_path, name, bad)
        assert failed.value.what == "the environment variable GREETING is not set"
        assert "--env GREETING=VALUE" in failed.value.hint
        assert "main.py" in failed.value.detail and "line 2" in failed.value.detail
        assert fetch(good.url, 10).body == b"good"
    mended = run(aws, tmp_path, name, bad, environment=(("GREETING", '"hi"'),))
    assert int(mended.version) > int(good.version)
    assert fetch(good.url, 10).body == b'"hi"'


FAILURES = (
    ("import nonesuch\n", "the module nonesuch is missing", "nonesuch"),
    ("def lambda_handler(event, context)\n    return 1\n", "syntax error in main.py, line 1", "SyntaxError"),
    ("app = 1\n", "the module main has no lambda_handler", "lambda_handler"),
    (
        "def lambda_handler(e, c):\n    raise ValueError('no such colour')\n",
        "the function failed: ValueError: no such colour",
        "line 2",
    ),
    (
        "import time\n\ndef lambda_handler(e, c):\n    time.sleep(60)\n",
        "the function timed out: no response within 1 s at 1024 MB",
        "",
    ),
    ("import sys\n\ndef lambda_handler(e, c):\n    sys.exit(3)\n", "the function's process exited (exit status 3)", ""),
    (
        "def lambda_handler(e, c):\n    open('/var/task/log.txt', 'w')\n",
        "the app writes to log.txt, next to its code",
        "line 2",
    ),
)


@pytest.mark.parametrize(("text", "what", "detail"), FAILURES, ids=[what for _, what, _ in FAILURES])
def test_failing_first_version_opens_no_url(aws: Aws, name: str, tmp_path: Path, text: str, what: str, detail: str) -> None:
    with pytest.raises(DeployError) as failed:
        run(aws, tmp_path, name, text, timeout_s=1)
    assert failed.value.what.startswith(what)
    assert detail in failed.value.detail
    _, observed = observe(aws, name, 5)
    assert (observed.alias, observed.statements) == (None, ())
    assert observed.url is not None and observed.url.auth == "AWS_IAM"


def test_status_500_of_a_web_app_is_a_failure(aws: Aws, name: str, tmp_path: Path) -> None:
    web = App("main", "lambda_handler", "asgi")
    with pytest.raises(DeployError, match="responded to GET / with 500"):
        run(aws, tmp_path, name, says("oh", 500), app=web)
    assert run(aws, tmp_path, name, says("not here", 404), app=web).changed


def test_two_deploys_at_once(aws: Aws, endpoint: str, name: str, tmp_path: Path) -> None:
    """The loser says so. What is live is complete, and a winner deployed it."""
    run(aws, tmp_path, name, says("zero"))
    second_client = connect("eu-west-1", endpoint_url=endpoint, keys=("lambent", "lambent"))
    together = threading.Barrier(2)

    def deploy_one(aws: Aws, text: str) -> events.Deployed | LambentError:
        together.wait(10)
        try:
            return run(aws, tmp_path, name, says(text))
        except LambentError as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(deploy_one, (aws, second_client), ("first", "second")))
    won = {o.version: text for o, text in zip(outcomes, ("first", "second"), strict=True) if isinstance(o, events.Deployed)}
    lost = [o for o in outcomes if isinstance(o, LambentError)]
    assert won, [error.what for error in lost]
    assert all("another deploy" in error.what for error in lost)
    alias = aws.alias(name, "live")
    url = aws.url(name, "live")
    assert alias and url and fetch(url.address, 10).body == won[alias.version].encode()


def test_two_first_deploys_of_the_same_app_at_once(aws: Aws, endpoint: str, name: str, tmp_path: Path) -> None:
    artifact(tmp_path, says("same"))
    others = [aws, connect("eu-west-1", endpoint_url=endpoint, keys=("lambent", "lambent"))]
    together = threading.Barrier(2)

    def deploy_one(aws: Aws) -> events.Deployed:
        together.wait(10)
        return run(aws, tmp_path, name, says("same"))

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(deploy_one, others))
    assert {(d.version, d.url) for d in results} == {("1", results[0].url)}


def test_url_keeps_responding_if_a_deploy_is_killed(aws: Aws, name: str, tmp_path: Path) -> None:
    url = run(aws, tmp_path, name, says("0")).url
    live = {b"0"}
    for number in itertools.count(8, 2):  # the first eight calls are simultaneous reads
        text = f"{number}"

        def stop(call: str, count: int, at: int = number) -> None:
            if count == at:
                raise KeyboardInterrupt

        watched = HookedAws(aws, after=stop)
        try:
            run(watched, tmp_path, name, says(text))
        except KeyboardInterrupt:
            assert fetch(url, 10).body in live | {text.encode()}
            assert run(aws, tmp_path, name, says(text)).url == url
        assert fetch(url, 10).body == text.encode()
        live = {text.encode()}
        if len(watched.calls) < number:
            break
