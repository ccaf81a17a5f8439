"""The plan as a table: what is there, what should be, and the steps between."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from lambent.aws.interface import Alias, Function, LogGroup, Provisioned, Role, Settings, Statement, Url, canonical
from lambent.config.model import App, Canary, Config
from lambent.deploy import steps
from lambent.deploy.desired import PUBLIC_STATEMENTS, Desired, desired
from lambent.deploy.observed import Observed
from lambent.deploy.parts.function import changed
from lambent.deploy.plan import plan
from lambent.deploy.script import script
from lambent.errors import DeployError, UsageError
from lambent.limits import UNZIPPED_MAX, ZIP_DIRECT_MAX
from lambent.names import Names
from lambent.package.artifact import Artifact

NAMES = Names("hello", "123456789012", "eu-west-1")
CONFIG = Config(Path("/p"), "hello", App("main", "app", "asgi"), "python3.13", origins={"runtime": "newest supported"})
ARTIFACT = Artifact(Path("/p/a.zip"), "new=", 2_000_000, 6_000_000, 90, "python3.13", "x86_64", "main.app", (("WRAP", "w"),))
WANTED = desired(CONFIG, ARTIFACT, NAMES)
TAGS = WANTED.tags

ROLE = Role(NAMES.role, NAMES.role_arn, trusts_lambda=True, tags=TAGS)
LATEST = Function("hello", "$LATEST", WANTED.settings, "new=", "x86_64", revision="r1", tags=TAGS)
LIVE = replace(LATEST, version="3")
DONE = Observed(
    role=ROLE,
    attached=(NAMES.basic_policy_arn,),
    latest=LATEST,
    alias=Alias("live", "3", "a1"),
    live=LIVE,
    statements=PUBLIC_STATEMENTS,
    url=Url("https://x.lambda-url.eu-west-1.on.aws/", "NONE"),
    log_group=LogGroup(NAMES.log_group, 30),
    versions=("1", "2", "3"),
)
OLD = replace(LATEST, sha256="old=")
OLD_LIVE = replace(LIVE, sha256="old=")
SMALL = replace(WANTED.settings, memory_mb=128)
STREAMING = replace(
    WANTED,
    mode="RESPONSE_STREAM",
    settings=replace(WANTED.settings, environment=(("LAMBENT_RESPONSE", "stream"), *WANTED.settings.environment)),
    origins={"stream": "--stream"},
)
STREAMED = replace(
    DONE,
    latest=replace(LATEST, settings=STREAMING.settings),
    live=replace(LIVE, settings=STREAMING.settings),
    url=Url("https://x.lambda-url.eu-west-1.on.aws/", "NONE", "RESPONSE_STREAM"),
)
SIGNED = replace(WANTED, auth="AWS_IAM", statements=())
CLOSED = replace(DONE, url=Url("https://x.lambda-url.eu-west-1.on.aws/", "AWS_IAM"), statements=())
WITH_CANARY = replace(WANTED, canary=Canary(0.1, 300), origins={"canary": "--canary"})
SHARED = Alias("live", "3", "a1", (("4", 0.1),))
WARM = replace(WANTED, provisioned=2)
TRIED = "PublishVersion CheckVersion Try PointAlias"
RELEASE = "PublishVersion CheckVersion PointAlias"
SECOND = (replace(PUBLIC_STATEMENTS[0], sid=f"{PUBLIC_STATEMENTS[0].sid}2"),)
STRANGE = Statement(PUBLIC_STATEMENTS[0].sid, "lambda:InvokeFunctionUrl", "*", url_auth="AWS_IAM")


@dataclass(frozen=True)
class Case:
    name: str
    observed: Observed
    steps: str
    desired: Desired = WANTED


CASES = (
    Case("nothing to do", DONE, "Probe"),
    Case(
        "first",
        Observed(),
        f"CreateRole AttachPolicy CreateLogGroup SetRetention CreateFunction {RELEASE} Grant Grant CreateUrl Probe",
    ),
    Case(
        "role left over",
        Observed(role=ROLE),
        f"AttachPolicy CreateLogGroup SetRetention CreateFunction {RELEASE} Grant Grant CreateUrl Probe",
    ),
    Case("new code", replace(DONE, latest=OLD, live=OLD_LIVE), f"UpdateCode {RELEASE} Probe"),
    Case(
        "new configuration",
        replace(DONE, latest=replace(LATEST, settings=SMALL), live=replace(LIVE, settings=SMALL)),
        f"UpdateSettings {RELEASE} Probe",
    ),
    Case(
        "both",
        replace(DONE, latest=replace(OLD, settings=SMALL), live=replace(OLD_LIVE, settings=SMALL)),
        f"UpdateCode UpdateSettings {RELEASE} Probe",
    ),
    Case(
        "same zip, other machine",
        replace(DONE, latest=replace(LATEST, architecture="arm64"), live=replace(LIVE, architecture="arm64")),
        f"UpdateCode {RELEASE} Probe",
    ),
    Case("the last check failed", replace(DONE, live=OLD_LIVE), f"{RELEASE} Probe"),
    Case(
        "the first check failed",
        replace(DONE, alias=None, live=None, statements=(), url=None),
        f"{RELEASE} Grant Grant CreateUrl Probe",
    ),
    Case("back to the live version after a failed one", replace(DONE, latest=OLD), "Probe"),
    Case("broken off before the URL", replace(DONE, url=None), "CreateUrl Probe"),
    Case(
        "broken off between the permissions", replace(DONE, statements=PUBLIC_STATEMENTS[:1], url=None), "Grant CreateUrl Probe"
    ),
    Case("one-statement URL of before October 2025", replace(DONE, statements=PUBLIC_STATEMENTS[:1]), "Grant Probe"),
    Case("a statement changed by hand", replace(DONE, statements=(STRANGE, PUBLIC_STATEMENTS[1])), "Grant Revoke Probe"),
    Case(
        "broken off between the right one and the wrong one",
        replace(DONE, statements=(STRANGE, *SECOND, PUBLIC_STATEMENTS[1])),
        "Revoke Probe",
    ),
    Case("a statement under its second id", replace(DONE, statements=(*SECOND, PUBLIC_STATEMENTS[1])), "Probe"),
    Case("closed with both ids there", replace(CLOSED, statements=(STRANGE, *SECOND)), "Revoke Revoke Probe", SIGNED),
    Case("URL closed by hand", replace(DONE, url=Url("https://x/", "AWS_IAM")), "UpdateUrl Probe"),
    Case(
        "first, streamed",
        Observed(),
        f"CreateRole AttachPolicy CreateLogGroup SetRetention CreateFunction {RELEASE} Grant Grant CreateUrl Probe",
        STREAMING,
    ),
    Case("streaming begins: the URL last", DONE, f"UpdateSettings {RELEASE} UpdateUrl Probe", STREAMING),
    Case("streaming ends: the URL first", STREAMED, "UpdateSettings PublishVersion CheckVersion UpdateUrl PointAlias Probe"),
    Case("streamed already", STREAMED, "Probe", STREAMING),
    Case(
        "new code, streamed as before",
        replace(STREAMED, live=OLD_LIVE, latest=OLD),
        f"UpdateCode UpdateSettings {RELEASE} Probe",
        STREAMING,
    ),
    Case("broken off before the URL was told to stream", replace(STREAMED, url=DONE.url), "UpdateUrl Probe", STREAMING),
    Case(
        "mode and authorisation changed by hand",
        replace(DONE, url=Url("https://x/", "AWS_IAM", "RESPONSE_STREAM")),
        "UpdateUrl UpdateUrl Probe",
    ),
    Case("closed: before the new version is behind it", DONE, "UpdateUrl Revoke Revoke Probe", SIGNED),
    Case(
        "closed with new code",
        replace(DONE, latest=OLD, live=OLD_LIVE),
        "UpdateCode PublishVersion CheckVersion UpdateUrl PointAlias Revoke Revoke Probe",
        SIGNED,
    ),
    Case("broken off once it was closed", replace(CLOSED, statements=PUBLIC_STATEMENTS), "Revoke Revoke Probe", SIGNED),
    Case("closed already", CLOSED, "Probe", SIGNED),
    Case(
        "opened: once the new version is behind it",
        replace(CLOSED, latest=OLD, live=OLD_LIVE),
        f"UpdateCode {RELEASE} Grant Grant UpdateUrl Probe",
    ),
    Case("canary", replace(DONE, latest=OLD, live=OLD_LIVE), f"UpdateCode {TRIED} Probe", WITH_CANARY),
    Case("canary, and nothing new", DONE, "Probe", WITH_CANARY),
    Case("canary broken off, again", replace(DONE, live=OLD_LIVE, alias=SHARED), f"{TRIED} Probe", WITH_CANARY),
    Case("canary broken off, and the old one is wanted", replace(DONE, alias=SHARED), "MoveAlias Probe"),
    Case("canary, but no URL yet", replace(DONE, live=OLD_LIVE, url=None), f"{RELEASE} CreateUrl Probe", WITH_CANARY),
    Case(
        "closed, with a canary",
        replace(DONE, live=OLD_LIVE),
        "PublishVersion CheckVersion UpdateUrl Try PointAlias Revoke Revoke Probe",
        replace(SIGNED, canary=Canary(0.1, 300)),
    ),
    Case("kept warm", replace(DONE, provisioned=Provisioned(2)), "Probe", WARM),
    Case(
        "kept warm, and a new version",
        replace(DONE, live=OLD_LIVE, provisioned=Provisioned(2)),
        f"{RELEASE} AwaitProvisioned Probe",
        WARM,
    ),
    Case("policy detached by hand", replace(DONE, attached=()), "AttachPolicy Probe"),
    Case("trust changed by hand", replace(DONE, role=replace(ROLE, trusts_lambda=False)), "TrustLambda Probe"),
    Case("role deleted by hand", replace(DONE, role=None, attached=()), "CreateRole AttachPolicy Probe"),
    Case(
        "the last update failed",
        replace(DONE, latest=replace(LATEST, update="Failed"), live=OLD_LIVE),
        f"UpdateCode UpdateSettings {RELEASE} Probe",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_steps(case: Case) -> None:
    made = plan(case.desired, case.observed)
    assert " ".join(type(step).__name__ for step in made.steps) == case.steps
    assert all(f"# {step.title}\n" in script(made) for step in made.steps)
    only_looks = {"Probe", "CheckVersion", "AwaitProvisioned"}
    assert made.changes == sum(name not in only_looks for name in case.steps.split())
    verbs = {line.verb for line in made.lines}
    assert (verbs == {"keep"}) == (made.changes == 0)


def test_permissions_come_before_the_url_and_the_check_before_all_traffic() -> None:
    order = [type(step).__name__ for step in plan(WANTED, Observed()).steps]
    assert order.index("CheckVersion") < order.index("PointAlias") < order.index("Grant") < order.index("CreateUrl")


def test_what_aws_knows_goes_along() -> None:
    made = plan(WANTED, replace(DONE, latest=OLD, live=OLD_LIVE))
    assert (made.version, made.url, made.revision) == ("3", "https://x.lambda-url.eu-west-1.on.aws/", "r1")
    assert made.target == "account 123456789012 in eu-west-1"


def test_lines_say_what_and_why() -> None:
    before = replace(SMALL, environment=(("GONE", "secret1"), ("KEPT", "secret2"), ("WRAP", "w")))
    after = replace(
        WANTED, settings=replace(WANTED.settings, environment=(("KEPT", "secret3"), ("NEW", "secret4"), ("WRAP", "w")))
    )
    after = replace(after, origins={"memory_mb": "--memory"})
    made = plan(after, replace(DONE, latest=replace(OLD, settings=before), live=replace(OLD_LIVE, settings=before)))
    lines = {line.what: line.detail for line in made.lines}
    assert lines["configuration"] == "memory 128 MB -> 1024 MB (--memory), env +NEW, env -GONE, env KEPT (new value)"
    assert lines["code"].startswith("old= -> new=, 2.0 MB zipped, 6.0 MB raw")
    assert "secret" not in str(made.lines)
    assert (
        "python3.13 (newest supported)"
        in {line.detail for line in plan(WANTED, Observed()).lines if line.what == "function hello"}.pop()
    )


def test_the_mode_is_in_the_urls_line() -> None:
    begins, ends, first = (plan(*both).lines[-1] for both in ((STREAMING, DONE), (WANTED, STREAMED), (STREAMING, Observed())))
    assert (begins.verb, begins.detail.split(", ")[0]) == ("update", "BUFFERED -> RESPONSE_STREAM (--stream)")
    assert (ends.verb, ends.detail.split(", ")[0]) == ("update", "RESPONSE_STREAM -> BUFFERED")
    assert first.detail.endswith("answers are streamed")


def test_a_canary_has_a_line() -> None:
    def line(observed: Observed) -> tuple[str, str]:
        return next((line.what, line.detail) for line in plan(WITH_CANARY, observed).lines if "canary" in line.what)

    assert line(replace(DONE, live=OLD_LIVE)) == (
        "canary 10 % for 5 min",
        "then all requests, if its log shows no errors (--canary)",
    )
    assert line(Observed()) == ("no canary", "there is no other version that answers yet (--canary)")


@pytest.mark.parametrize(("observed", "wanted"), [(DONE, STREAMING), (STREAMED, WANTED)], ids=["on", "off"])
def test_a_canary_cannot_switch_streaming(observed: Observed, wanted: Desired) -> None:
    with pytest.raises(UsageError, match="a canary cannot go along with streaming that is switched") as refused:
        plan(replace(wanted, canary=Canary(0.1, 300)), replace(observed, live=OLD_LIVE))
    assert "--canary none" in refused.value.hint


def test_settings_that_are_equal_have_no_lines() -> None:
    assert changed(WANTED.settings, replace(WANTED.settings), {}) == []


@pytest.mark.parametrize(
    "foreign",
    (
        replace(DONE, latest=replace(LATEST, tags=())),
        replace(DONE, latest=replace(LATEST, tags=(("lambent:app", "other"), ("lambent:managed", "true")))),
        Observed(role=replace(ROLE, tags=())),
    ),
    ids=("function", "of another app", "role"),
)
def test_what_lambent_did_not_make_is_left_alone(foreign: Observed) -> None:
    with pytest.raises(DeployError) as refused:
        plan(WANTED, foreign)
    assert "lambent did not make it" in refused.value.what
    assert "--name" in refused.value.hint


def test_the_users_environment_wins_over_the_artifacts() -> None:
    config = replace(CONFIG, environment=(("WRAP", "mine"), ("A", "b")))
    assert desired(config, ARTIFACT, NAMES).settings == Settings(
        NAMES.role_arn, "python3.13", "main.app", 1024, 30, 512, (("A", "b"), ("WRAP", "mine"))
    )


def test_too_large_is_said_before_any_call() -> None:
    with pytest.raises(DeployError, match="MB"):
        desired(CONFIG, replace(ARTIFACT, raw=UNZIPPED_MAX + 1), NAMES)


def test_a_zip_too_large_for_a_direct_upload_goes_through_a_bucket() -> None:
    large = desired(CONFIG, replace(ARTIFACT, zipped=ZIP_DIRECT_MAX + 1, sha256="YWI="), NAMES)
    assert (large.code.bucket, large.code.key) == ("lambent-123456789012-eu-west-1", "uploads/hello/6162.zip")
    names = [type(step).__name__ for step in plan(large, Observed()).steps]
    assert names[4:6] == ["Upload", "CreateFunction"]


def test_a_large_environment_is_said_before_any_call() -> None:
    fits = replace(CONFIG, environment=(("A", "x" * (4096 - len('{"A":"","WRAP":"w"}'))),))
    desired(fits, ARTIFACT, NAMES)
    with pytest.raises(UsageError, match="4097 bytes"):
        desired(replace(CONFIG, environment=(("A", fits.environment[0][1] + "x"),)), ARTIFACT, NAMES)


def test_a_region_that_had_no_urls_is_told_before_any_call() -> None:
    away = replace(WANTED, names=Names("hello", "123456789012", "eu-central-2"))
    lines = {line.what: line.detail for line in plan(away, Observed()).lines}
    assert "no Function URLs" in lines["region eu-central-2"]
    assert "region eu-central-2" not in {line.what for line in plan(away, DONE).lines}


def test_a_plan_tells_who_may_call_what_it_costs_and_whether_that_is_new() -> None:
    first, later, signed = plan(WANTED, Observed()), plan(WANTED, DONE), plan(replace(WANTED, auth="AWS_IAM"), Observed())
    assert [(made.access, made.opens) for made in (first, later, signed)] == [
        ("public", True),
        ("public", False),
        ("signed", False),
    ]
    opened = plan(WANTED, replace(DONE, url=Url("https://x/", "AWS_IAM")))
    assert opened.opens
    told = first.planned
    assert (told.zipped, told.raw) == (2_000_000, 6_000_000)
    assert told.cost and told.cost.usd_per_million == 1.87


def test_a_statement_is_known_by_what_it_says() -> None:
    wanted = PUBLIC_STATEMENTS[0]
    for change in (
        {"effect": "Deny"},
        {"limits": '{"StringEquals":{"aws:SourceAccount":"1"}}'},
        {"principal": "arn:aws:iam::1:root"},
    ):
        (grant, revoke, _) = plan(WANTED, replace(DONE, statements=(replace(wanted, **change), PUBLIC_STATEMENTS[1]))).steps
        assert isinstance(grant, steps.Grant) and grant.statement == SECOND[0]
        assert isinstance(revoke, steps.Revoke) and revoke.sid == wanted.sid
    taken = (replace(STRANGE, sid=f"{wanted.sid}2"), STRANGE, PUBLIC_STATEMENTS[1])
    made = plan(WANTED, replace(DONE, statements=taken))
    assert [type(step).__name__ for step in made.steps] == ["Grant", "Revoke", "Revoke", "Probe"]
    assert isinstance(made.steps[0], steps.Grant) and made.steps[0].statement.sid == f"{wanted.sid}3"


ONE, TWO = ({"Action": f"s3:{each}", "Effect": "Allow", "Resource": "*"} for each in ("GetObject", "PutObject"))
NEVER = {"Action": "s3:*", "Effect": "Deny", "Resource": "*"}


def inside(*statements: dict[str, str]) -> str:
    return canonical({"Version": "2012-10-17", "Statement": list(statements)}) if statements else ""


@pytest.mark.parametrize(
    ("had", "wanted", "before", "after"),
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
def test_what_the_live_version_may_do_is_taken_away_last(had: Any, wanted: Any, before: Any, after: Any) -> None:
    """Its environments may start anew at any time, and for good if the new version fails its check."""
    order = plan(replace(WANTED, inline=inside(*wanted)), replace(DONE, inline=inside(*had), live=OLD_LIVE, latest=OLD)).steps
    point = next(number for number, step in enumerate(order) if isinstance(step, steps.Probe))
    first, last = (
        [step for step in part if isinstance(step, steps.PutPolicy | steps.DeletePolicy)]
        for part in (order[:point], order[point:])
    )
    assert first == ([steps.PutPolicy(NAMES.role, "lambent", inside(*before))] if before else [])
    gone = steps.DeletePolicy(NAMES.role, "lambent") if after == () else None
    assert last == ([] if after is None else [gone or steps.PutPolicy(NAMES.role, "lambent", inside(*after))])
