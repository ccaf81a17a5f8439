"""Commands that only read, on the local Lambda: drift in a plan, versions, status."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent import events
from lambent.aws.boto import connect
from lambent.aws.interface import Aws
from lambent.aws.values import Statement
from lambent.config.model import Hosting
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deploy import deploy, prepare
from lambent.deployment.status import apps, status
from lambent.deployment.version_list import versions
from lambent.errors import DeployError
from support.deploy_cases import READS, HookedAws, artifact, config
from support.local_service import RUNTIME, Service

QUICK = Timing(role_s=5, settle_s=30, answer_s=5)
FRESH = itertools.count()
SAYS = "def lambda_handler(event, context):\n    return {{'statusCode': 200, 'body': {!r}}}\n"
RAISES = """
def lambda_handler(event, context):
    if event["rawPath"] != "/":
        raise ValueError("no such colour")
    return {"statusCode": 200}
"""


@pytest.fixture
def name() -> str:
    return f"view{next(FRESH)}"


def run(aws: Aws, folder: Path, name: str, text: str, **changes: object) -> events.Deployed:
    zipped = artifact(folder, text, runtime=RUNTIME)
    return deploy(config(folder, name, runtime=RUNTIME, **changes), zipped, DeployContext(aws, events.ignore, QUICK))


def drift(aws: Aws, folder: Path, name: str, text: str) -> list[str]:
    planned = prepare(config(folder, name, runtime=RUNTIME), artifact(folder, text, runtime=RUNTIME), aws)
    return [f"{line.what}: {line.detail}" for line in planned.lines if line.verb == "drift"]


def test_drift_is_shown(aws: Aws, name: str, tmp_path: Path) -> None:
    first, second = SAYS.format("one"), SAYS.format("two")
    run(aws, tmp_path, name, first)
    url = run(aws, tmp_path, name, second).url
    assert drift(aws, tmp_path, name, second) == []
    aws.move_alias(name, "live", "1")
    aws.add_statement(name, "live", Statement("mine", "lambda:InvokeFunction", "123456789012"))
    aws.attach_policy(f"lambent-{name}", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    aws.update_url(name, "live", "AWS_IAM", "")
    latest = aws.function(name)
    assert latest
    aws.update_settings(name, replace(latest.settings, memory_mb=640))
    assert drift(aws, tmp_path, name, second) == [
        f"function {name}: $LATEST differs from version 2: memory 1024 MB -> 640 MB; only a deploy makes that live",
        "alias live: points to version 1, not to 2, the newest: moved by hand",
        "permission mine: arn:aws:iam::123456789012:root may call lambda:InvokeFunction: "
        "lambent didn't create it and leaves it alone",
        f"URL {url}: accepts only signed requests (AWS_IAM), although its permissions allow everyone",
        f"role lambent-{name}: arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess is attached, but not in policies: "
        "lambent leaves it alone",
    ]
    result = status(name, aws, 5)
    assert result and [line.what.split()[0] for line in result.drift] == ["function", "alias", "permission", "URL"]
    run(aws, tmp_path, name, second)
    assert [line.split(":")[0] for line in drift(aws, tmp_path, name, second)] == ["permission mine", f"role lambent-{name}"]


def test_interrupted_deploy_is_no_drift(aws: Aws, name: str, tmp_path: Path) -> None:
    run(aws, tmp_path, name, SAYS.format("one"))

    def stop(call: str, number: int) -> None:
        if call == "publish":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(HookedAws(aws, before=stop), tmp_path, name, SAYS.format("two"))  # type: ignore[arg-type]
    assert drift(aws, tmp_path, name, SAYS.format("two")) == []
    (line,) = drift(aws, tmp_path, name, SAYS.format("one"))
    assert "$LATEST differs from version 1: other code" in line


def test_versions_list_changes_and_traffic(aws: Aws, name: str, tmp_path: Path) -> None:
    run(aws, tmp_path, name, SAYS.format("one"))
    run(aws, tmp_path, name, SAYS.format("two"))
    run(aws, tmp_path, name, SAYS.format("two"), memory_mb=256, environment=(("KEY", "hunter2"),))
    aws.move_alias(name, "live", "2", weights=(("3", 0.25),))
    watched = HookedAws(aws)
    result = versions(name, watched)  # type: ignore[arg-type]
    assert sorted(watched.calls) == ["account", "alias", "function", "versions"]
    assert [(row.version, row.share, row.notes) for row in result.versions] == [
        ("3", 0.25, "memory 1024 MB -> 256 MB, env +KEY"),
        ("2", 0.75, "new code"),
        ("1", 0, ""),
    ]
    assert "hunter2" not in str(result)
    assert all(row.published.startswith("20") and row.size and row.runtime == RUNTIME for row in result.versions)
    with pytest.raises(DeployError, match="has no versions"):
        versions("nonesuch", aws)


def test_status_of_one_app(aws: Aws, service: Service, name: str, tmp_path: Path) -> None:
    deployed = run(aws, tmp_path, name, RAISES)
    assert [service.fetch(deployed.url + path).status for path in ("x", "y", "")] == [502, 502, 200]
    watched = HookedAws(aws)
    result = status(name, watched, 5)  # type: ignore[arg-type]
    assert result and set(watched.calls) <= READS | {"log_pages"} and len(watched.calls) == 16
    assert (result.url, result.access, result.version, result.versions) == (deployed.url, "public", "1", 1)
    assert (result.runtime, result.memory_mb, result.log_group, result.retention_days) == (
        RUNTIME,
        1024,
        f"/aws/lambda/{name}",
        30,
    )
    assert result.ends > "2026" and result.drift == ()
    assert result.activity and result.activity.invocations >= 4 and result.activity.failures == 2 and result.activity.cold >= 1
    assert result.activity.last_failure == "ValueError: no such colour"
    assert status("nonesuch", aws, 5) is None


def test_status_of_a_foreign_function_is_refused(aws: Aws, service: Service, name: str) -> None:
    elsewhere = connect("us-east-1", endpoint_url=service.url, keys=("lambent", "lambent"))
    service.function(name)
    with pytest.raises(DeployError, match="lambent didn't create it"):
        status(name, elsewhere, 5)


def test_only_own_apps_are_listed(service: Service, tmp_path: Path) -> None:
    aws_elsewhere = connect("eu-central-1", endpoint_url=service.url, keys=("lambent", "lambent"))
    assert apps(aws_elsewhere).apps == ()
    own = service.role("own")
    run(aws_elsewhere, tmp_path, "plain", SAYS.format("one"))
    run(aws_elsewhere, tmp_path, "own-role", SAYS.format("one"), memory_mb=512, hosting=Hosting(role=own, auth="AWS_IAM"))
    client = service.client("lambda", region_name="eu-central-1")
    code = {"ZipFile": artifact(tmp_path, "theirs").path.read_bytes()}
    client.create_function(FunctionName="theirs", Runtime=RUNTIME, Role=own, Handler="main.x", Code=code)
    watched = HookedAws(aws_elsewhere)
    result = apps(watched).apps  # type: ignore[arg-type]
    assert [(app.app, app.version, app.access, app.memory_mb) for app in result] == [
        ("own-role", "1", "signed", 512),
        ("plain", "1", "public", 1024),
    ]
    assert watched.calls.count("function") == 2  # of those whose role doesn't show that they are lambent's
