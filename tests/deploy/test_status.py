"""Commands that only read, on the local Lambda: drift in a plan, versions, status. And the policy that all commands need."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lambent import events
from lambent.aws.boto import connect
from lambent.aws.interface import Aws
from lambent.aws.values import Statement
from lambent.config.model import Hosting
from lambent.deploy.context import DeployContext, Timing
from lambent.deploy.deploy import deploy, prepare
from lambent.deploy.desired import desired
from lambent.deploy.destroy import destroy
from lambent.deploy.destroy import prepare as prepare_destroy
from lambent.deploy.policy import policy
from lambent.deploy.rollback import rollback
from lambent.deploy.status import apps, status
from lambent.deploy.version_list import versions
from lambent.errors import DeployError
from lambent.names import Names
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
        "alias live: points to version 1, not to 2, the newest: moved by hand, or that version failed",
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
    assert sorted(watched.calls) == ["account", "alias", "versions"]
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
    assert result and set(watched.calls) <= READS | {"log_events"} and len(watched.calls) == 16
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


ACTION = {
    "InvokeWithResponseStream": "InvokeFunction",
    "Invoke": "InvokeFunction",
    "HeadBucket": "ListBucket",
}
NOT_SEEN = {
    # required by AWS in addition to the call itself: Service Authorization Reference
    *("iam:PassRole", "iam:TagRole", "logs:TagResource", "lambda:ListTags"),
    # calls that this test doesn't make: no change of trust or retention, no provisioned concurrency
    *("iam:UpdateAssumeRolePolicy", "logs:DeleteRetentionPolicy", "lambda:GetFunctionConfiguration"),
    *("lambda:PutProvisionedConcurrencyConfig", "lambda:DeleteProvisionedConcurrencyConfig"),
}
SERVICE = {"lambda": "lambda", "iam": "iam", "logs": "logs", "s3": "s3"}


def test_policy_allows_every_call_and_little_else(service: Service, name: str, tmp_path: Path) -> None:
    watched = connect("eu-west-1", endpoint_url=service.url, keys=("lambent", "lambent"))
    planned: set[str] = set()

    def record(model: Any, **_: Any) -> None:
        prefix = model.service_model.endpoint_prefix
        if prefix != "sts":
            planned.add(f"{prefix}:{ACTION.get(model.name, model.name)}")

    watched._session.register("before-call", record)  # type: ignore[attr-defined]
    rights = ('{"Action": ["s3:GetObject"], "Effect": "Allow", "Resource": ["*"]}',)
    most = Hosting(permissions=rights, reserved_concurrency=2, tags=(("a", "b"),))
    run(watched, tmp_path, name, SAYS.format("one"), hosting=most)
    run(watched, tmp_path, name, SAYS.format("two"), memory_mb=256, hosting=Hosting(keep_versions=1, tags=(("c", "d"),)))
    run(watched, tmp_path, name, SAYS.format("two"), memory_mb=256, hosting=Hosting(auth="AWS_IAM"))
    rollback(name, "2", DeployContext(watched, events.ignore, QUICK))
    status(name, watched, 5)
    versions(name, watched)
    apps(watched)
    destroy(prepare_destroy(name, watched, logs=True), watched, events.ignore)

    goal = desired(
        config(tmp_path, name, runtime=RUNTIME, hosting=most), artifact(tmp_path, "x"), Names(name, "1" * 12, "eu-west-1")
    )
    allowed = {action for statement in policy(goal)["Statement"] for action in statement["Action"]}
    assert planned - allowed == set()
    assert allowed - planned <= NOT_SEEN


def test_policy_covers_only_this_app(tmp_path: Path) -> None:
    names = Names("shop", "123456789012", "eu-west-1")
    zipped = replace(artifact(tmp_path, "x"), zipped=60_000_000)
    plain = policy(desired(config(tmp_path, "shop"), artifact(tmp_path, "x"), names))
    hosting = Hosting(
        role="arn:aws:iam::123456789012:role/own",
        auth="AWS_IAM",
        layers=("arn:aws:lambda:eu-west-1:1:layer:l:1",),
        subnets=("subnet-1",),
    )
    with_hosting = policy(desired(config(tmp_path, "shop", hosting=hosting), zipped, names))
    for document in (plain, with_hosting):
        assert len(json.dumps(document, separators=(",", ":"))) < 6144  # the limit of a managed policy
        for statement in document["Statement"]:
            wide = {"lambda:ListFunctions", "logs:DescribeLogGroups", "lambda:GetLayerVersion", "s3:ListBucket"}
            describes = all(":Describe" in action for action in statement["Action"])
            if not describes and not set(statement["Action"]) <= wide:
                assert all(
                    "shop" in arn or arn in (hosting.role, "arn:aws:s3:::lambent-123456789012-eu-west-1")
                    for arn in statement["Resource"]
                )
    statements = {statement["Sid"]: statement for statement in plain["Statement"]}
    assert statements["PassRole"]["Condition"] == {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    assert statements["AttachPolicies"]["Condition"]["ArnEquals"]["iam:PolicyARN"] == [names.basic_policy_arn]
    assert "iam:PutRolePolicy" not in str(plain) and "s3:PutObject" not in str(plain)
    own = {statement["Sid"]: statement for statement in with_hosting["Statement"]}
    assert own["PassRole"]["Resource"] == [hosting.role] and "Role" not in own
    assert own["Uploads"]["Resource"] == ["arn:aws:s3:::lambent-123456789012-eu-west-1/uploads/shop/*"]
    assert "lambda:InvokeFunctionUrl" in own["Function"]["Action"]
