"""Plans as a table: what exists, what should exist, and the steps in between."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from lambent.aws.values import Settings, Url, canonical
from lambent.config.model import Canary, Hosting
from lambent.deployment.desired import PUBLIC_STATEMENTS, Desired, desired
from lambent.deployment.observed import Observed
from lambent.deployment.plan import plan
from lambent.deployment.resources.function_settings import changed
from lambent.deployment.resources.permission import Grant, Revoke
from lambent.deployment.resources.role import DeletePolicy, PutPolicy
from lambent.deployment.resources.url import CheckUrl, UpdateUrl
from lambent.deployment.script import script
from lambent.deployment.version_check import START_EVENT
from lambent.errors import DeployError, UsageError
from lambent.limits import UNZIPPED_MAX, ZIP_DIRECT_MAX
from lambent.names import Names
from support.plan_cases import (
    ARTIFACT,
    CASES,
    CHANGED_STATEMENT,
    CONFIG,
    DESIRED,
    LATEST,
    NAMES,
    OLD,
    OLD_LIVE,
    ROLE,
    SECOND_ID,
    SMALL,
    STREAMED,
    STREAMING,
    UP_TO_DATE,
    WITH_CANARY,
    WORKER,
    Case,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_steps(case: Case) -> None:
    planned = plan(case.desired, case.observed)
    assert " ".join(type(step).__name__ for step in planned.steps) == case.steps
    assert all(f"# {step.title}\n" in script(planned) for step in planned.steps)
    only_looks = {"CheckUrl", "CheckVersion", "AwaitProvisioned"}
    assert planned.changes == sum(name not in only_looks for name in case.steps.split())
    verbs = {line.verb for line in planned.lines}
    assert (verbs == {"keep"}) == (planned.changes == 0)


def test_first_version_is_checked_under_its_url_before_anyone_may_call_it() -> None:
    steps = plan(DESIRED, Observed()).steps
    order = [type(step).__name__ for step in steps]
    assert order.index("CreateUrl") < order.index("CheckVersion") < order.index("PointAlias") < order.index("Grant")
    assert (order.index("Grant") < order.index("UpdateUrl")) and isinstance(steps[order.index("UpdateUrl")], UpdateUrl)
    assert "--auth-type AWS_IAM" in script(plan(DESIRED, Observed()))


def test_plan_has_the_live_version_and_revision() -> None:
    planned = plan(DESIRED, replace(UP_TO_DATE, latest=OLD, live=OLD_LIVE))
    assert (planned.version, planned.url, planned.revision) == ("3", "https://x.lambda-url.eu-west-1.on.aws/", "r1")
    assert planned.location == "account 123456789012 in eu-west-1"


def test_url_that_lambent_closed_is_no_change_of_access() -> None:
    closed = replace(UP_TO_DATE, alias=None, live=None, unchecked=UP_TO_DATE.alias, url=Url("https://x/", "AWS_IAM"))
    (line,) = [line for line in plan(DESIRED, closed).lines if line.what == "URL"]
    assert (line.verb, line.detail, line.routine) == ("update", "auth NONE", True)


def test_lines_say_what_changes_and_why() -> None:
    before = replace(SMALL, environment=(("GONE", "secret1"), ("KEPT", "secret2"), ("WRAP", "w")))
    after = replace(
        DESIRED, settings=replace(DESIRED.settings, environment=(("KEPT", "secret3"), ("NEW", "secret4"), ("WRAP", "w")))
    )
    after = replace(after, origins={"memory_mb": "--memory"})
    planned = plan(after, replace(UP_TO_DATE, latest=replace(OLD, settings=before), live=replace(OLD_LIVE, settings=before)))
    lines = {line.what: line.detail for line in planned.lines}
    assert lines["configuration"] == "memory 128 MB -> 1024 MB (--memory), env +NEW, env KEPT (new value)"
    assert lines["environment variable GONE"] == "nothing sets it any more"
    assert lines["code"] == f"which files isn't known: version {OLD_LIVE.version} was built elsewhere, or long ago"
    known = plan(replace(after, code_changes="app.py"), UP_TO_DATE)
    assert {line.detail for line in known.lines if line.what == "code"} <= {"app.py"}
    assert "secret" not in str(planned.lines)
    assert (
        "python3.13 on x86_64, 1024 MB"
        in {line.detail for line in plan(DESIRED, Observed()).lines if line.what == "function hello"}.pop()
    )


def test_url_line_has_the_mode() -> None:
    begins, ends, first = (
        plan(*both).lines[-1] for both in ((STREAMING, UP_TO_DATE), (DESIRED, STREAMED), (STREAMING, Observed()))
    )
    assert (begins.verb, begins.detail.split(", ")[0]) == ("update", "BUFFERED -> RESPONSE_STREAM (--stream)")
    assert (ends.verb, ends.detail.split(", ")[0]) == ("update", "RESPONSE_STREAM -> BUFFERED")
    assert first.detail.endswith("streams responses")


def test_check_is_of_the_path_or_only_of_the_start() -> None:
    at_path = replace(CONFIG, hosting=Hosting(check_path="/health?full=1"))
    first = plan(desired(at_path, ARTIFACT, NAMES), Observed())
    assert "must respond to GET /health?full=1 before it becomes live" in [line.detail for line in first.lines]
    assert '"rawPath": "/health", "rawQueryString": "full=1"' in script(first)
    assert """"${url%/}"'/health?full=1'""" in script(first)
    worker = plan(WORKER, Observed())
    assert "must start before it becomes live" in [line.detail for line in worker.lines]
    assert json.dumps(START_EVENT) in script(worker) and (worker.access, worker.opens) == ("", False)


def test_canary_has_a_line() -> None:
    def line(observed: Observed) -> tuple[str, str]:
        return next((line.what, line.detail) for line in plan(WITH_CANARY, observed).lines if "canary" in line.what)

    assert line(replace(UP_TO_DATE, live=OLD_LIVE)) == (
        "canary 10 % for 5 min",
        "then all requests, if its log shows no errors (--canary)",
    )
    assert line(Observed()) == ("no canary", "no other version is responding yet (--canary)")


@pytest.mark.parametrize(("observed", "expected"), [(UP_TO_DATE, STREAMING), (STREAMED, DESIRED)], ids=["on", "off"])
def test_canary_cannot_switch_streaming(observed: Observed, expected: Desired) -> None:
    with pytest.raises(UsageError, match="a canary can't be combined with turning streaming") as refused:
        plan(replace(expected, canary=Canary(0.1, 300)), replace(observed, live=OLD_LIVE))
    assert "--canary none" in refused.value.hint


def test_equal_settings_have_no_differences() -> None:
    assert changed(DESIRED.settings, replace(DESIRED.settings), {}) == []


@pytest.mark.parametrize(
    "foreign",
    (
        replace(UP_TO_DATE, latest=replace(LATEST, tags=())),
        replace(UP_TO_DATE, latest=replace(LATEST, tags=(("lambent:app", "other"), ("lambent:managed", "true")))),
        Observed(role=replace(ROLE, tags=())),
    ),
    ids=("function", "of another app", "role"),
)
def test_foreign_resources_are_left_alone(foreign: Observed) -> None:
    with pytest.raises(DeployError) as refused:
        plan(DESIRED, foreign)
    assert "lambent didn't create it" in refused.value.what
    assert "--name" in refused.value.hint


def test_user_environment_overrides_the_artifact() -> None:
    config = replace(CONFIG, environment=(("WRAP", "mine"), ("A", "b")))
    assert desired(config, ARTIFACT, NAMES).settings == Settings(
        NAMES.role_arn, "python3.13", "main.app", 1024, 30, 512, (("A", "b"), ("WRAP", "mine"))
    )


def test_app_that_is_too_large_is_refused_before_any_call() -> None:
    with pytest.raises(DeployError, match="MB"):
        desired(CONFIG, replace(ARTIFACT, raw=UNZIPPED_MAX + 1), NAMES)


PUBLIC = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def test_large_zip_goes_through_a_bucket() -> None:
    large = desired(CONFIG, replace(ARTIFACT, zipped=ZIP_DIRECT_MAX + 1, sha256="YWI="), NAMES)
    assert (large.code.bucket, large.code.key) == ("lambent-123456789012-eu-west-1", "uploads/hello/6162.zip")
    names = [type(step).__name__ for step in plan(large, Observed()).steps]
    assert names[4:6] == ["Upload", "CreateFunction"]
    calls = [line for line in script(plan(large, Observed())).splitlines() if line.startswith("aws s3api ")]
    assert [line.split()[2] for line in calls] == ["head-bucket", "put-public-access-block", "put-object"]
    assert all(f"--bucket {large.code.bucket} --expected-bucket-owner 123456789012 " in line for line in calls)
    assert all(f"{kind}=true" in calls[1] for kind in PUBLIC)


def test_large_environment_is_refused_before_any_call() -> None:
    fits = replace(CONFIG, environment=(("A", "x" * (4096 - len('{"A":"","WRAP":"w"}'))),))
    desired(fits, ARTIFACT, NAMES)
    with pytest.raises(UsageError, match="4097 bytes"):
        desired(replace(CONFIG, environment=(("A", fits.environment[0][1] + "x"),)), ARTIFACT, NAMES)


def test_function_with_efs_may_mount_it() -> None:
    point = "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0"
    hosting = Hosting(mounts=((point, "/mnt/data"),), subnets=("subnet-1",), security_groups=("sg-1",))
    (statement,) = json.loads(desired(replace(CONFIG, hosting=hosting, stream=True), ARTIFACT, NAMES).inline)["Statement"]
    assert statement["Action"] == ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
    assert statement["Condition"] == {"StringEquals": {"elasticfilesystem:AccessPointArn": point}}
    planned = plan(desired(replace(CONFIG, hosting=hosting, stream=True), ARTIFACT, NAMES), Observed())
    assert any(line.what == "stream" and "one piece" in line.detail for line in planned.lines)


def test_region_without_urls_is_reported_before_any_call() -> None:
    away = replace(DESIRED, names=Names("hello", "123456789012", "eu-central-2"))
    lines = {line.what: line.detail for line in plan(away, Observed()).lines}
    assert "no Function URLs" in lines["region eu-central-2"]
    assert "region eu-central-2" not in {line.what for line in plan(away, UP_TO_DATE).lines}


def test_snapshots_that_aws_may_not_take_are_reported_before_any_call() -> None:
    old = replace(DESIRED, settings=replace(DESIRED.settings, runtime="python3.11", snapstart=True))
    lines = {line.what: line.detail for line in plan(old, Observed()).lines}
    assert "python3.12 and later" in lines["SnapStart with python3.11"]
    away = replace(old, settings=replace(old.settings, runtime="python3.12"), names=Names("hello", "1", "ap-east-2"))
    lines = {line.what: line.detail for line in plan(away, Observed()).lines}
    assert "SnapStart with python3.12" not in lines and "region ap-east-2" in lines


def test_plan_has_access_cost_and_whether_it_opens_the_url() -> None:
    first, later, signed = (
        plan(DESIRED, Observed()),
        plan(DESIRED, UP_TO_DATE),
        plan(replace(DESIRED, auth="AWS_IAM"), Observed()),
    )
    assert [(planned.access, planned.opens) for planned in (first, later, signed)] == [
        ("public", True),
        ("public", False),
        ("signed", False),
    ]
    opened = plan(DESIRED, replace(UP_TO_DATE, url=Url("https://x/", "AWS_IAM")))
    assert opened.opens
    event = first.planned
    assert (event.zipped, event.raw) == (2_000_000, 6_000_000)
    assert event.cost and event.cost.usd_per_million == 1.87


def test_statement_is_recognised_by_its_content() -> None:
    expected = PUBLIC_STATEMENTS[0]
    for change in (
        {"effect": "Deny"},
        {"limits": '{"StringEquals":{"aws:SourceAccount":"1"}}'},
        {"principal": "arn:aws:iam::1:root"},
    ):
        (grant, revoke, _) = plan(
            DESIRED, replace(UP_TO_DATE, statements=(replace(expected, **change), PUBLIC_STATEMENTS[1]))
        ).steps
        assert isinstance(grant, Grant) and grant.statement == SECOND_ID[0]
        assert isinstance(revoke, Revoke) and revoke.sid == expected.sid
    statements = (replace(CHANGED_STATEMENT, sid=f"{expected.sid}2"), CHANGED_STATEMENT, PUBLIC_STATEMENTS[1])
    planned = plan(DESIRED, replace(UP_TO_DATE, statements=statements))
    assert [type(step).__name__ for step in planned.steps] == ["Grant", "Revoke", "Revoke", "CheckUrl"]
    assert isinstance(planned.steps[0], Grant) and planned.steps[0].statement.sid == f"{expected.sid}3"


ONE, TWO = ({"Action": f"s3:{each}", "Effect": "Allow", "Resource": "*"} for each in ("GetObject", "PutObject"))
NEVER = {"Action": "s3:*", "Effect": "Deny", "Resource": "*"}


def inside(*statements: dict[str, str]) -> str:
    return canonical({"Version": "2012-10-17", "Statement": list(statements)}) if statements else ""


@pytest.mark.parametrize(
    ("had", "expected", "before", "after"),
    (
        ((), (ONE,), (ONE,), None),
        ((ONE,), (ONE, TWO), (ONE, TWO), None),
        ((ONE,), (TWO,), (ONE, TWO), (TWO,)),
        ((ONE, TWO), (TWO,), None, (TWO,)),
        ((ONE,), (), None, ()),
        ((ONE, NEVER), (ONE,), (ONE,), None),
        ((ONE,), (ONE, NEVER), (ONE, NEVER), None),
    ),
)
def test_permissions_of_the_live_version_are_removed_last(had: Any, expected: Any, before: Any, after: Any) -> None:
    """Its environments may start again at any time, and it stays live if the new version fails its check."""
    order = plan(
        replace(DESIRED, inline=inside(*expected)), replace(UP_TO_DATE, inline=inside(*had), live=OLD_LIVE, latest=OLD)
    ).steps
    point = next(number for number, step in enumerate(order) if isinstance(step, CheckUrl))
    first, last = (
        [step for step in part if isinstance(step, PutPolicy | DeletePolicy)] for part in (order[:point], order[point:])
    )
    assert first == ([PutPolicy(NAMES.role, "lambent", inside(*before))] if before else [])
    deletion = DeletePolicy(NAMES.role, "lambent") if after == () else None
    assert last == ([] if after is None else [deletion or PutPolicy(NAMES.role, "lambent", inside(*after))])
