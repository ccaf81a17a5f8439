"""Deploys to moto's server, a second implementation of AWS's API. It can't run functions, so no URL is requested here."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent import events
from lambent.aws.boto import connect
from lambent.aws.error_codes import CONFLICT, INVALID, PRECONDITION, ROLE_EXISTS
from lambent.aws.interface import Aws
from lambent.aws.values import Code, Invoked, Settings
from lambent.config.model import App, Hosting
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deploy import deploy, prepare
from lambent.deployment.desired import PUBLIC_STATEMENTS
from lambent.deployment.fetch import Response
from lambent.deployment.observed import live_settings, observe
from lambent.deployment.plan import Plan
from lambent.deployment.version_list import versions
from lambent.errors import AwsError, DeployError, UnconfirmedError
from support.deploy_cases import READS, HookedAws, artifact, config
from support.moto_server import answering, endpoint

__all__ = ["endpoint"]

QUICK = Timing(role_s=2, settle_s=5, answer_s=0.2)
FRESH = itertools.count()
READS_AT_ONCE = 15
"""A deploy begins with this many simultaneous reads. An interruption at the last of them represents all of them."""


@pytest.fixture(scope="module")
def aws(endpoint: str) -> Aws:
    return connect("eu-west-1", endpoint_url=endpoint, keys=("lambent", "lambent"))


@pytest.fixture
def name() -> str:
    """moto's state lasts as long as the process, so each test has its own app."""
    return f"app{next(FRESH)}"


class Ran:
    """One deploy and what it emitted."""

    def __init__(self, aws: Aws, folder: Path, name: str, text: str, **changes: object) -> None:
        self.seen: list[events.Event] = []
        hosting = Hosting(keep_versions=1000)  # moto reuses the number of a deleted version
        app_config = config(folder, name, **{"hosting": hosting, **changes})
        self.done = deploy(app_config, artifact(folder, text), DeployContext(aws, self.seen.append, QUICK, answering))

    @property
    def steps(self) -> list[str]:
        return [event.step for event in self.seen if isinstance(event, events.StepDone)]


def snapshot(aws: Aws, name: str) -> object:
    """Return everything that exists of an app, without what differs from run to run."""
    names, seen = observe(aws, name, 5)
    assert seen.latest and seen.live and seen.alias and seen.url and seen.role
    return (
        names,
        (seen.role.trusts_lambda, seen.role.tags, seen.attached),
        (seen.latest.settings, seen.latest.sha256, seen.latest.tags),
        (seen.live.settings, seen.live.sha256, seen.live.version == seen.alias.version),
        sorted(statement.sid for statement in seen.statements),
        seen.url.auth,
    )


def test_first_deploy_creates_everything(aws: Aws, name: str, tmp_path: Path) -> None:
    ran = Ran(aws, tmp_path, name, "one", environment=(("COLOUR", "b"),))
    assert (ran.done.version, ran.done.changed) == ("1", True)
    names, seen = observe(aws, name, 5)
    assert seen.role and seen.role.trusts_lambda and names.basic_policy_arn in seen.attached
    assert seen.live and dict(seen.live.settings.environment) == {"COLOUR": "b"}
    assert seen.statements == PUBLIC_STATEMENTS
    assert seen.url and seen.url.address == ran.done.url
    assert (
        dict(seen.latest.tags if seen.latest else ())
        == {"lambent:app": name, "lambent:managed": "true"}
        == dict(seen.role.tags)
    )
    assert isinstance(ran.seen[0], events.Planned) and isinstance(ran.seen[-1], events.Deployed)
    assert len([event for event in ran.seen if isinstance(event, events.Answered)]) == 1


def test_second_run_only_reads(aws: Aws, name: str, tmp_path: Path) -> None:
    first = Ran(aws, tmp_path, name, "one")
    watched = HookedAws(aws)
    again = Ran(watched, tmp_path, name, "one")
    assert again.done == replace(first.done, changed=False, seconds=again.done.seconds)
    assert set(watched.calls) <= READS
    assert len(watched.calls) == READS_AT_ONCE
    assert again.steps == []


def test_each_change_publishes_a_version_behind_the_same_url(aws: Aws, name: str, tmp_path: Path) -> None:
    first = Ran(aws, tmp_path, name, "one")
    code = Ran(aws, tmp_path, name, "two")
    memory = Ran(aws, tmp_path, name, "two", memory_mb=256)
    assert [ran.done.version for ran in (first, code, memory)] == ["1", "2", "3"]
    assert len({ran.done.url for ran in (first, code, memory)}) == 1
    assert "upload code" not in memory.steps and "update configuration" not in code.steps
    _, seen = observe(aws, name, 5)
    assert seen.live and seen.live.settings.memory_mb == 256


def test_local_endpoint_bypasses_the_proxy(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
    assert connect("eu-west-1", endpoint_url=endpoint, keys=("lambent", "lambent")).account() == "123456789012"


def test_live_settings_are_those_of_the_live_version(aws: Aws, name: str, tmp_path: Path) -> None:
    assert live_settings(aws, name, ()) is None
    Ran(aws, tmp_path, name, "one")
    settings = live_settings(aws, name, ())
    assert settings is not None and settings.runtime == "python3.13"


def test_plan_changes_nothing(aws: Aws, name: str, tmp_path: Path) -> None:
    watched = HookedAws(aws)
    assert prepare(config(tmp_path, name), artifact(tmp_path, "one"), watched).changes == 12
    assert set(watched.calls) <= READS
    assert aws.function(name) is None


def test_foreign_function_is_refused(aws: Aws, name: str, tmp_path: Path) -> None:
    zipped = artifact(tmp_path, "theirs")
    code = Code(zipped.path, zipped.sha256, zipped.zipped, "x86_64")
    aws.create_role(f"{name}-role", ())
    role = aws.role(f"{name}-role")
    assert role
    aws.create_function(name, Settings(role.arn, "python3.12", "main.h", 128, 3, 512), code, ())
    before = aws.function(name)
    with pytest.raises(DeployError, match="lambent didn't create it"):
        Ran(aws, tmp_path, name, "one")
    assert aws.function(name) == before
    assert aws.role(f"lambent-{name}") is None


def count_of_calls(aws: Aws, folder: Path, name: str) -> int:
    watched = HookedAws(aws)
    Ran(watched, folder, name, "one")
    return len(watched.calls)


def calls_at(moment: str) -> itertools.count[int]:
    """Return every second call: an interruption before the next one is as one after this one."""
    return itertools.count(READS_AT_ONCE + (moment == "after"), 2)


@pytest.mark.parametrize("moment", ("before", "after"))
def test_interrupted_first_deploy_is_completed_by_a_rerun(aws: Aws, tmp_path: Path, moment: str) -> None:
    names = (f"cut{moment}{next(FRESH)}" for _ in itertools.count())
    complete = next(names)
    for number in itertools.takewhile(count_of_calls(aws, tmp_path, complete).__ge__, calls_at(moment)):
        name = next(names)
        with pytest.raises(KeyboardInterrupt):
            Ran(HookedAws(aws, **{moment: interrupt_at(number)}), tmp_path, name, "one")
        Ran(aws, tmp_path, name, "one")
        assert str(snapshot(aws, name)).replace(name, complete) == str(snapshot(aws, complete))
        assert aws.alias(name, "live").version == "1"  # type: ignore[union-attr]


@pytest.mark.parametrize("moment", ("before", "after"))
def test_interrupted_update_is_completed_by_a_rerun(aws: Aws, name: str, tmp_path: Path, moment: str) -> None:
    Ran(aws, tmp_path, name, "0", memory_mb=128)
    for number in calls_at(moment):
        text, memory = f"{number}", 128 + number
        watched = HookedAws(aws, **{moment: interrupt_at(number)})
        try:
            Ran(watched, tmp_path, name, text, memory_mb=memory)
        except KeyboardInterrupt:
            Ran(aws, tmp_path, name, text, memory_mb=memory)
        _, seen = observe(aws, name, 5)
        assert seen.live and seen.live.settings.memory_mb == memory and seen.live.sha256 == artifact(tmp_path, text).sha256
        if len(watched.calls) < number:
            break
    assert number > 12


def interrupt_at(number: int):  # type: ignore[no-untyped-def]
    def hook(name: str, count: int) -> None:
        if count == number:
            raise KeyboardInterrupt

    return hook


def refuse(app_config: str, error: AwsError, times: int = 1):  # type: ignore[no-untyped-def]
    """Return a hook that refuses the first calls of one operation."""
    remaining = itertools.count(times, -1)

    def hook(name: str, number: int) -> None:
        if name == app_config and next(remaining) > 0:
            raise error

    return hook


CANNOT_ASSUME = AwsError(
    "AWS refused CreateFunction: The role defined for the function cannot be assumed by Lambda.", code=INVALID
)


def test_deploy_waits_for_a_new_role(aws: Aws, name: str, tmp_path: Path) -> None:
    meddled = HookedAws(aws, before=refuse("create_function", CANNOT_ASSUME, times=3))
    assert Ran(meddled, tmp_path, name, "one").done.version == "1"
    assert meddled.calls.count("create_function") == 4


def test_role_that_never_becomes_usable_is_reported(aws: Aws, name: str, tmp_path: Path) -> None:
    meddled = HookedAws(aws, before=refuse("create_function", CANNOT_ASSUME, times=1000))
    with pytest.raises(AwsError, match="cannot be assumed") as refused:
        Ran(meddled, tmp_path, name, "one")
    assert "trust policy" in refused.value.hint


def test_other_refusals_are_not_retried(aws: Aws, name: str, tmp_path: Path) -> None:
    other_artifact = AwsError("AWS refused CreateFunction: Could not unzip uploaded file.", code=INVALID)
    meddled = HookedAws(aws, before=refuse("create_function", other_artifact))
    with pytest.raises(AwsError, match="unzip"):
        Ran(meddled, tmp_path, name, "one")
    assert meddled.calls.count("create_function") == 1


@pytest.mark.parametrize("call", ("update_code", "update_settings"))
@pytest.mark.parametrize("code", (CONFLICT, PRECONDITION))
def test_deploy_plans_again_if_another_one_wrote_first(aws: Aws, name: str, tmp_path: Path, call: str, code: str) -> None:
    Ran(aws, tmp_path, name, "one")
    meddled = HookedAws(aws, before=refuse(call, AwsError("An update is in progress", code=code)))
    changes = {"memory_mb": 512} if call == "update_settings" else {}
    ran = Ran(meddled, tmp_path, name, "one" if changes else "two", **changes)
    assert ran.done.version == "2"
    assert [event for event in ran.seen if isinstance(event, events.Notice)]


def test_new_plan_does_not_ask_about_the_public_url_again(aws: Aws, name: str, tmp_path: Path) -> None:
    meddled = HookedAws(aws, before=refuse("create_role", AwsError("Role exists", code=ROLE_EXISTS)))
    seen: list[events.Event] = []
    plans: list[Plan] = []
    context = DeployContext(meddled, seen.append, QUICK, answering)
    deploy(config(tmp_path, name), artifact(tmp_path, "one"), context, confirm_public=plans.append)
    assert len([event for event in seen if isinstance(event, events.Planned)]) == 2
    assert [plan.opens for plan in plans] == [True]


def test_refused_public_url_leaves_nothing_behind(aws: Aws, name: str, tmp_path: Path) -> None:
    def refuse_public(plan: Plan) -> None:
        raise DeployError(f"no public URL for {plan.names.app}")

    with pytest.raises(DeployError, match=name):
        deploy(
            config(tmp_path, name), artifact(tmp_path, "one"), DeployContext(aws, events.ignore), confirm_public=refuse_public
        )
    assert aws.role(f"lambent-{name}") is None


def test_write_of_another_deploy_in_between_is_reported(aws: Aws, name: str, tmp_path: Path) -> None:
    Ran(aws, tmp_path, name, "one")
    foreign_artifact = artifact(tmp_path, "theirs")

    def hook(call: str, number: int) -> None:
        if call == "publish":
            aws.update_code(name, Code(foreign_artifact.path, foreign_artifact.sha256, foreign_artifact.zipped, "x86_64"))

    with pytest.raises((DeployError, AwsError)) as lost:
        Ran(HookedAws(aws, before=hook), tmp_path, name, "two")
    assert "another deploy" in lost.value.what
    assert aws.alias(name, "live").version == "1"  # type: ignore[union-attr]


def test_alias_moved_by_another_deploy_is_reported(aws: Aws, name: str, tmp_path: Path) -> None:
    Ran(aws, tmp_path, name, "one")
    meddled = HookedAws(aws, before=refuse("move_alias", AwsError("stale", code=PRECONDITION)))
    with pytest.raises(DeployError, match=r"another deploy of .* moved live to version 1"):
        Ran(meddled, tmp_path, name, "two")


class Failing(HookedAws):
    """The function's own failure, as AWS reports it."""

    def invoke(self, function: str, qualifier: str, payload: bytes) -> Invoked:
        expected_calls = {
            "errorMessage": "Unable to import module 'main': No module named 'yaml'",
            "errorType": "Runtime.ImportModuleError",
        }
        return Invoked(json.dumps(expected_calls).encode(), "Unhandled", "START RequestId: 1 Version: 2\nEND RequestId: 1\n")


def test_failing_first_version_leaves_no_public_url(aws: Aws, name: str, tmp_path: Path) -> None:
    with pytest.raises(DeployError) as failed:
        Ran(Failing(aws), tmp_path, name, "one")
    assert failed.value.what == "the module yaml is missing"
    assert "PyYAML" in failed.value.hint
    _, seen = observe(aws, name, 5)
    assert (seen.alias, seen.statements) == (None, ())
    assert seen.url is not None and seen.url.auth == "AWS_IAM"


def test_failing_version_does_not_go_live_and_a_rerun_checks_it_again(aws: Aws, name: str, tmp_path: Path) -> None:
    Ran(aws, tmp_path, name, "one")
    for _ in range(2):
        with pytest.raises(DeployError, match="yaml"):
            Ran(Failing(aws), tmp_path, name, "two")
        assert aws.alias(name, "live").version == "1"  # type: ignore[union-attr]
        assert [row.failed for row in versions(name, aws).versions] == [True, False]
    mended = Ran(aws, tmp_path, name, "two")
    assert mended.done.version == "2"
    assert not any(row.failed for row in versions(name, aws).versions)
    assert "check version" in mended.steps and "upload code" not in mended.steps


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    (
        (Response(0, failure="the name is not known"), UnconfirmedError, "there was no response from the URL"),
        (Response(403, b'{"Message":null}', "AccessDeniedException"), UnconfirmedError, "doesn't know the URL"),
        (Response(403, b'{"Message":"Forbidden. For..."}', "AccessDeniedException"), DeployError, "refuses the URL"),
        (Response(502, b"Internal Server Error"), UnconfirmedError, "responds with 502"),
    ),
)
def test_url_without_a_response_is_reported(
    aws: Aws, name: str, tmp_path: Path, answer: Response, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        deploy(
            config(tmp_path, name), artifact(tmp_path, "one"), DeployContext(aws, events.ignore, QUICK, lambda *request: answer)
        )
    assert Ran(aws, tmp_path, name, "one").done.changed is False


def test_deploy_waits_for_a_new_url(aws: Aws, name: str, tmp_path: Path) -> None:
    answers = iter((Response(0), Response(403, b'{"Message":null}', "AccessDeniedException"), Response(404)))
    seen: list[events.Event] = []
    request = lambda *request: next(answers)  # noqa: E731
    deploy(
        config(tmp_path, name), artifact(tmp_path, "one"), DeployContext(aws, seen.append, replace(QUICK, answer_s=5), request)
    )
    assert [event.status for event in seen if isinstance(event, events.Answered)] == [404]


class Suspicious(HookedAws):
    """Django with an ALLOWED_HOSTS that lacks the new address."""

    def invoke(self, function: str, qualifier: str, payload: bytes) -> Invoked:
        host = json.loads(payload)["headers"]["host"]
        log = f"Invalid HTTP_HOST header: '{host}'. You may need to add '{host}' to ALLOWED_HOSTS.\n"
        return Invoked(b'{"statusCode": 400, "body": "<h1>Bad Request (400)</h1>"}', "", log)


def test_app_that_refuses_its_own_host_is_not_opened(aws: Aws, name: str, tmp_path: Path) -> None:
    app = App("main", "lambda_handler", "wsgi")
    answer = lambda *request: Response(400)  # noqa: E731
    context = DeployContext(Suspicious(aws), events.ignore, QUICK, answer)
    with pytest.raises(DeployError, match="refuses requests to its own host name") as failed:
        deploy(config(tmp_path, name, app=app), artifact(tmp_path, "one"), context)
    _, seen = observe(aws, name, 5)
    assert seen.url is not None and seen.url.auth == "AWS_IAM"
    assert 'ALLOWED_HOSTS = [".on.aws", ".localhost"]' in failed.value.hint


def test_throttled_check_is_repeated(aws: Aws, name: str, tmp_path: Path) -> None:
    meddled = HookedAws(aws, before=refuse("invoke", AwsError("Rate Exceeded.", code="TooManyRequestsException")))
    assert Ran(meddled, tmp_path, name, "one").done.version == "1"
    assert meddled.calls.count("invoke") == 2


class Fickle(Failing):
    """Responds once, and fails from then on."""

    def invoke(self, function: str, qualifier: str, payload: bytes) -> Invoked:
        self.calls.append("invoke")
        if self.calls.count("invoke") == 1:
            return Invoked(b'{"statusCode": 200}', "", "")
        return super().invoke(function, qualifier, payload)


def test_version_that_fails_at_its_url_is_taken_back(aws: Aws, name: str, tmp_path: Path) -> None:
    Ran(aws, tmp_path, name, "one")
    crashed = lambda *request: Response(502, b"Internal Server Error")  # noqa: E731
    with pytest.raises(DeployError, match="yaml") as failed:
        deploy(config(tmp_path, name), artifact(tmp_path, "two"), DeployContext(Fickle(aws), events.ignore, QUICK, crashed))
    assert "version 1 is live again" in failed.value.hint
    assert aws.alias(name, "live").version == "1"  # type: ignore[union-attr]
    assert Ran(aws, tmp_path, name, "two").done.version == "2"
