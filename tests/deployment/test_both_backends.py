"""The same deploys on two implementations of `Aws`: the local Lambda through botocore, and AWS in memory.

All that plan, apply and the CLI know of a hosting service is in `lambent.aws.interface` and `lambent.aws.values`.
"""

from __future__ import annotations

import ast
import itertools
import json
import linecache
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct, field
from msgspec.structs import replace

import lambent
from lambent import events
from lambent.aws.boto import connect
from lambent.aws.interface import Aws
from lambent.config.model import Canary, Hosting
from lambent.config.provenance import Provenance, describe
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deploy import deploy
from lambent.deployment.destroy import destroy, prepare
from lambent.deployment.failed_versions import record_failure
from lambent.deployment.fetch import Fetch, fetch
from lambent.deployment.observed import observe
from lambent.deployment.rollback import rollback
from lambent.deployment.status import status
from lambent.deployment.version_list import versions
from lambent.errors import AwsError, DeployError, LambentError, UnconfirmedError, UsageError
from lambent.names import Names
from support.deploy_cases import READS, HookedAws, artifact, config
from support.local_service import RUNTIME, serving
from support.memory_aws import MemoryAws

FRESH = itertools.count()
QUICK = Timing(role_s=5, settle_s=30, answer_s=5)
HALF = Canary(0.5, 60)
SAYS = """\
if "BROKEN" == "TEXT":
    import nonesuch

def lambda_handler(event, context):
    if event["rawPath"] == "/x" and "FAILS" == "TEXT":
        raise ValueError("no milk today")
    return {"statusCode": 200, "body": "TEXT"}
"""


class Target(Struct):
    """Somewhere to deploy to, and how its URLs are requested."""

    aws: Aws
    fetch: Fetch
    folder: Path
    name: str = ""
    observed: list[events.Event] = field(default_factory=list)

    def deploy(self, text: str, aws: Any = None, timing: Timing = QUICK, **hosting: Any) -> events.Deployed:
        app_config = config(self.folder, self.name, runtime=RUNTIME, hosting=Hosting(**hosting))
        zipped = artifact(self.folder, SAYS.replace("TEXT", text), runtime=RUNTIME)
        return deploy(app_config, zipped, DeployContext(aws or self.aws, events.ignore, timing, self.fetch))

    def rollback(self, version: str = "", aws: Any = None) -> events.Deployed:
        self.observed.clear()
        return rollback(self.name, version, DeployContext(aws or self.aws, self.observed.append, QUICK, self.fetch))

    def body(self, url: str, path: str = "") -> bytes:
        return self.fetch(url + path, 10, ()).body


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with serving(tmp_path_factory.mktemp("state")) as running:
        yield connect("eu-west-1", endpoint_url=running.url, keys=("lambent", "lambent"))


@pytest.fixture(params=["memory", "local"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    if request.param == "local":
        return Target(request.getfixturevalue("local"), fetch, tmp_path, f"app{next(FRESH)}")
    return in_memory(MemoryAws(), tmp_path)


def in_memory(aws: MemoryAws, folder: Path) -> Target:
    return Target(aws, aws.fetch, folder, f"app{next(FRESH)}")


CUT = AwsError("UpdateAlias got no answer: the connection was closed", code="ConnectionClosedError")


def raise_at(number: int, fault: BaseException) -> Any:
    def hook(call: str, count: int) -> None:
        if count == number:
            raise fault

    return hook


def test_first_and_second_deploy_respond(target: Target) -> None:
    first = target.deploy("one")
    assert (first.version, first.changed, target.body(first.url)) == ("1", True, b"one")
    watched = HookedAws(target.aws)
    again = target.deploy("one", watched)
    assert (again.version, again.url, again.changed, set(watched.calls) <= READS) == ("1", first.url, False, True)
    second = target.deploy("two", log_retention_days=7, tags=(("team", "web"),))
    assert (second.version, second.url, target.body(first.url)) == ("2", first.url, b"two")


def test_handler_whose_requests_have_a_body_goes_live_with_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = in_memory(MemoryAws(), tmp_path)
    source = "def lambda_handler(event, context):\n    return event['body'].upper()\n"
    monkeypatch.setitem(linecache.cache, "/var/task/main.py", (len(source), None, source.splitlines(True), "main.py"))
    zipped = artifact(target.folder, source, runtime=RUNTIME)
    context = DeployContext(target.aws, target.observed.append, QUICK, target.fetch)
    deployed = deploy(config(target.folder, target.name, runtime=RUNTIME), zipped, context)
    warnings = [event.text for event in target.observed if isinstance(event, events.Warned)]
    assert deployed.version == "1" and target.fetch(deployed.url, 10, ()).status == 502
    assert warnings == [
        "the check can't tell whether the handler works: it needs a body, which GET / doesn't have (main.py, line 2)"
    ]


def test_url_of_a_first_deploy_that_failed_is_not_kept_for_a_handler_without_one(tmp_path: Path) -> None:
    target = in_memory(MemoryAws(), tmp_path)
    with pytest.raises(DeployError):
        target.deploy("BROKEN")
    app_config = config(tmp_path, target.name, runtime=RUNTIME)
    app_config = replace(app_config, app=replace(app_config.app, trigger="Records"))
    zipped = artifact(tmp_path, "def lambda_handler(event, context):\n    return 1\n", runtime=RUNTIME)
    deployed = deploy(app_config, zipped, DeployContext(target.aws, events.ignore, QUICK, target.fetch))
    assert deployed.url == "" and target.aws.url(f"lambent-{target.name}", "live") is None


def test_failing_version_does_not_go_live(target: Target) -> None:
    good = target.deploy("good")
    with pytest.raises(DeployError, match="the module nonesuch is missing"):
        target.deploy("BROKEN")
    assert target.body(good.url) == b"good"


def may(*actions: str) -> tuple[str, ...]:
    return tuple(json.dumps({"Action": each, "Effect": "Allow", "Resource": "*"}) for each in actions)


def test_failing_version_leaves_the_live_version_its_permissions(target: Target) -> None:
    """New environments of the live version may start at any time, and need to read its secrets."""

    def allowed() -> list[str]:
        policy = target.aws.inline_policy(f"lambent-{target.name}", "lambent")
        return [each["Action"] for each in json.loads(policy)["Statement"]] if policy else []

    target.deploy("one", permissions=may("s3:GetObject"))
    with pytest.raises(DeployError, match="nonesuch"):
        target.deploy("BROKEN", permissions=may("s3:PutObject"))
    assert allowed() == ["s3:GetObject", "s3:PutObject"]
    with pytest.raises(DeployError, match="nonesuch"):
        target.deploy("BROKEN")
    assert allowed() == ["s3:GetObject", "s3:PutObject"]
    target.deploy("two", permissions=may("s3:PutObject"))
    assert allowed() == ["s3:PutObject"]
    assert target.deploy("two").changed and allowed() == []


def test_rollback_goes_back_and_forth(target: Target) -> None:
    url = target.deploy("one").url
    with pytest.raises(DeployError, match="nothing to go back to"):
        target.rollback()
    target.deploy("two")
    assert (target.rollback().version, target.body(url)) == ("1", b"one")
    assert (target.rollback("2").version, target.body(url)) == ("2", b"two")
    assert target.rollback("2").changed is False
    with pytest.raises(UsageError, match="no version 9"):
        target.rollback("9")


def test_repeated_rollback_undoes_only_one_deploy(target: Target) -> None:
    for text in ("one", "two", "three"):
        url = target.deploy(text).url
    assert target.rollback().version == "2"
    again = target.rollback()
    assert (again.version, again.changed, target.body(url)) == ("2", False, b"two")
    (notice,) = [event.text for event in target.observed if isinstance(event, events.Notice)]
    assert notice == ("version 2 is live already, because version 3 was taken back; to go further back, run lambent rollback 1")
    assert target.rollback("1").version == target.rollback().version == "1"
    target.deploy("four")
    assert (target.rollback().version, target.body(url)) == ("1", b"one"), "what was live before, not the newest below"


def test_rollback_skips_versions_that_were_never_live(target: Target) -> None:
    url = target.deploy("one").url
    with pytest.raises(DeployError, match="nonesuch"):
        target.deploy("BROKEN")
    assert target.deploy("three").version == "3"
    assert (target.rollback().version, target.body(url)) == ("1", b"one")


def test_failed_versions_are_marked_and_never_recommended(target: Target) -> None:
    target.deploy("one", tags=(("team", "web"),))
    with pytest.raises(DeployError, match="nonesuch"):
        target.deploy("BROKEN", tags=(("team", "web"),))
    shown = status(target.name, target.aws, 5)
    assert shown and shown.drift == ()
    assert shown.unfinished == "version 2 failed its check, so version 1 is still live"
    for text in ("three", "four"):
        target.deploy(text, tags=(("team", "api"),))
    listed = versions(target.name, target.aws).versions
    assert [row.version for row in listed if row.failed] == ["2"], "the tag stays in later deploys"
    assert (target.rollback().version, target.rollback().version) == ("3", "3")
    assert any("run lambent rollback 1" in event.text for event in target.observed if isinstance(event, events.Notice))
    with pytest.raises(DeployError, match="nonesuch"):
        target.rollback("2")
    assert any("version 2 failed its check" in event.text for event in target.observed if isinstance(event, events.Warned))
    with pytest.raises(UsageError) as refused:
        target.rollback("9")
    assert refused.value.hint == "versions that passed their check: 1, 3, 4"
    shown = status(target.name, target.aws, 5)
    assert shown and (shown.version, shown.drift, shown.unfinished) == ("3", (), "")


def test_a_version_that_passes_after_all_is_marked_no_longer(target: Target) -> None:
    target.deploy("one")
    target.deploy("two")
    tagged = target.aws.function(target.name)
    assert tagged is not None
    record_failure(target.aws, Names(target.name, target.aws.account(), target.aws.region), "1")
    with pytest.raises(DeployError, match="no version before 2 has passed its check"):
        target.rollback()
    assert target.rollback("1").version == "1"
    assert not any(row.failed for row in versions(target.name, target.aws).versions)
    latest = target.aws.function(target.name)
    assert latest is not None and latest.tags == tagged.tags


def test_versions_say_what_they_were_made_from(target: Target) -> None:
    made = Provenance("a1b2c3d", True, "Fix the total", "ada@laptop")
    for text, description in (("one", ""), ("two", describe(made))):
        app_config = config(target.folder, target.name, runtime=RUNTIME, description=description)
        zipped = artifact(target.folder, SAYS.replace("TEXT", text), runtime=RUNTIME)
        deploy(app_config, zipped, DeployContext(target.aws, events.ignore, QUICK, target.fetch))
    second, first = versions(target.name, target.aws).versions
    assert (second.commit, second.dirty, second.subject, second.by) == ("a1b2c3d", True, "Fix the total", "ada@laptop")
    assert (first.commit, first.dirty, first.subject, first.by) == ("", False, "", "")
    shown = status(target.name, target.aws, 5)
    assert shown and (shown.commit, shown.by) == ("a1b2c3d", "ada@laptop")


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), CUT], ids=["killed", "cut"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_interrupted_rollback_is_completed_by_a_rerun(tmp_path: Path, moment: str, fault: BaseException) -> None:
    for number in itertools.count(1):
        target = in_memory(MemoryAws(), tmp_path)
        for text in ("one", "two", "three"):
            url = target.deploy(text).url
        watched = HookedAws(target.aws, **{moment: raise_at(number, fault)})
        with suppress(KeyboardInterrupt, LambentError):
            target.rollback(aws=watched)
        assert target.body(url) in (b"two", b"three")
        assert (target.rollback().version, target.body(url)) == ("2", b"two")
        if len(watched.calls) < number:
            break
    assert number > 15


def test_interrupted_rollback_of_a_canary_goes_back_no_further(target: Target) -> None:
    for text in ("one", "two", "three"):
        url = target.deploy(text).url
    live = target.aws.alias(target.name, "live")
    assert live is not None
    target.aws.move_alias(target.name, "live", "2", live.revision, (("3", 0.5),), "lambent: version 2, before it 1")
    for _ in range(2):
        assert (target.rollback().version, target.body(url)) == ("2", b"two")


def test_rollback_waits_for_the_provisioned_environments(tmp_path: Path) -> None:
    target = in_memory(MemoryAws(polls=2), tmp_path)
    target.deploy("one", provisioned_concurrency=1)
    target.deploy("two", provisioned_concurrency=1)
    watched = HookedAws(target.aws)
    assert target.rollback(aws=watched).version == "1"
    assert watched.calls.count("provisioned") == 1 + 3
    assert watched.calls.index("move_alias") < len(watched.calls) - 1 - watched.calls[::-1].index("provisioned")


def test_destroy_leaves_nothing(target: Target) -> None:
    url = target.deploy("one").url
    destroy(prepare(target.name, target.aws, logs=True, timing=QUICK), target.aws, events.ignore)
    _, observed = observe(target.aws, target.name, 5)
    assert (observed.role, observed.latest, observed.alias, observed.url, observed.log_group) == (None,) * 5
    assert target.fetch(url, 10, ()).unknown_url
    assert prepare(target.name, target.aws, logs=True, timing=QUICK).steps == ()


def test_url_is_closed_and_opened(target: Target) -> None:
    url = target.deploy("open").url
    closed = target.deploy("secret", auth="AWS_IAM")
    assert (closed.url, closed.public, target.fetch(url, 10, ()).forbidden) == (url, False, True)
    assert target.fetch(url, 10, target.aws.signed(url)).body == b"secret"
    assert target.deploy("fair").public and target.body(url) == b"fair"


def test_healthy_and_failing_canary(target: Target) -> None:
    url = target.deploy("one").url
    observed: set[bytes] = set()
    passed = [0.0]

    def pause(seconds: float) -> None:
        passed[0] += seconds
        observed.update(target.body(url, "x") for _ in range(40))

    timing = Timing(answer_s=5, look_s=30, clock=lambda: passed[0], pause=pause)
    assert target.deploy("two", timing=timing, canary=HALF).version == "2"
    assert observed == {b"one", b"two"}
    with pytest.raises(DeployError, match="version 3 failed") as failed:
        target.deploy("FAILS", timing=timing, canary=HALF)
    assert "no milk today" in failed.value.detail
    alias = target.aws.alias(target.name, "live")
    assert alias is not None and (alias.version, alias.weights) == ("2", ())


@pytest.mark.parametrize("moment", ["before", "after"])
def test_interrupted_deploy_is_completed_by_a_rerun(tmp_path: Path, moment: str) -> None:
    """Only in memory: other tests do the same on the local Lambda and on moto."""
    for number in itertools.count(16):
        target = in_memory(MemoryAws(), tmp_path)
        watched = HookedAws(target.aws, **{moment: raise_at(number, KeyboardInterrupt())})
        try:
            target.deploy("one", watched)
        except KeyboardInterrupt:
            target.deploy("one")
        deployed = target.deploy("one")
        assert (deployed.version, deployed.changed, target.body(deployed.url)) == ("1", False, b"one")
        if len(watched.calls) < number:
            break
    assert number > 20


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), CUT], ids=["killed", "cut"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_interrupted_canary_is_completed_by_a_rerun(tmp_path: Path, moment: str, fault: BaseException) -> None:
    """During the canary one of the two versions responds, and afterwards only the new one."""
    for number in itertools.count(16):
        target = in_memory(MemoryAws(), tmp_path)
        url = target.deploy("one").url
        passed = itertools.count()
        timing = Timing(settle_s=5, answer_s=1, clock=lambda passed=passed: 20.0 * next(passed), pause=lambda seconds: None)  # type: ignore[misc]
        watched = HookedAws(target.aws, **{moment: raise_at(number, fault)})
        with suppress(KeyboardInterrupt, LambentError):
            target.deploy("two", watched, timing, canary=HALF)
        assert {target.body(url) for _ in range(4)} <= {b"one", b"two"}
        assert target.deploy("two", timing=timing, canary=HALF).version == "2"
        assert target.aws.alias(target.name, "live").weights == ()  # type: ignore[union-attr]
        assert {target.body(url) for _ in range(4)} == {b"two"}
        if len(watched.calls) < number:
            break
    assert number > 30


# Waiting for changes that take a while


def test_deploy_waits_for_changes_in_progress(tmp_path: Path) -> None:
    target = in_memory(MemoryAws(polls=2), tmp_path)
    assert target.deploy("one", provisioned_concurrency=1).version == "1"
    watched = HookedAws(target.aws)
    assert target.deploy("two", watched, provisioned_concurrency=1).version == "2"
    assert watched.calls.count("provisioned") == 1 + 3, "the alias has moved: its environments are made anew"
    assert watched.calls.index("move_alias") < len(watched.calls) - 1 - watched.calls[::-1].index("provisioned")


def test_change_that_takes_too_long_is_reported_and_a_rerun_continues(tmp_path: Path) -> None:
    aws = MemoryAws(polls=5)
    target = in_memory(aws, tmp_path)
    with pytest.raises(DeployError, match=r"AWS is still working on app\d+ after 0 s") as slow:
        target.deploy("one", timing=Timing(settle_s=0, answer_s=5))
    assert "continues from here" in slow.value.hint
    assert target.deploy("one").version == "1"


def test_snapshot_has_its_own_time_limit(tmp_path: Path) -> None:
    aws = MemoryAws()
    target = in_memory(aws, tmp_path)
    slow = HookedAws(aws, before=lambda call, count: setattr(aws, "polls", 3 if call == "publish" else 0))
    with pytest.raises(DeployError, match=r"AWS is still working on version 1 of app\d+ after 0 s"):
        target.deploy("one", slow, Timing(snapshot_s=0, answer_s=5), snapstart=True)
    assert aws.alias(target.name, "live") is None
    assert target.deploy("one", snapstart=True).version == "1"


def test_version_that_aws_cannot_activate_does_not_go_live(tmp_path: Path) -> None:
    aws = MemoryAws()
    target = in_memory(aws, tmp_path)
    url = target.deploy("one", snapstart=True).url
    aws.reason = "Function initialization failed: RuntimeError"
    with pytest.raises(DeployError, match="could not activate version 2: Function initialization failed") as failed:
        target.deploy("two", snapstart=True)
    assert "[2]" in failed.value.hint and target.body(url) == b"one"


def test_failed_provisioned_concurrency_is_reported(tmp_path: Path) -> None:
    aws = MemoryAws()
    target = in_memory(aws, tmp_path)
    target.deploy("one")
    aws.reason = "there is no room"
    with pytest.raises(DeployError, match="could not provision 5 environments: there is no room"):
        target.deploy("one", provisioned_concurrency=5)
    aws.reason, aws.polls = "", 100
    with pytest.raises(UnconfirmedError, match="still starting the provisioned environments"):
        target.deploy("one", timing=Timing(settle_s=0.1, answer_s=5), provisioned_concurrency=5)


# What may be imported from aws/


SOURCE = Path(lambent.__file__).parent


PURE = tuple(f"lambent.aws.{name}" for name in ("interface", "values", "error_codes", "regions"))  # tables and values


def imported(path: Path) -> set[str]:
    names = {node.module or "" for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)}
    return names | {
        a.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import) for a in node.names
    }


def test_plan_apply_and_commands_import_only_the_interface() -> None:
    files = [path for part in ("deployment", "library", "cli", "ui", "config") for path in (SOURCE / part).rglob("*.py")]
    foreign = {
        (str(path.relative_to(SOURCE)), name)
        for path in files
        for name in imported(path)
        if name.split(".")[0] in ("boto3", "botocore") or (name.startswith("lambent.aws") and name not in PURE)
    }
    assert foreign == {("library/destination.py", "lambent.aws.boto"), ("library/local_lambda.py", "lambent.aws.boto")}


def test_both_implementations_are_complete() -> None:
    """mypy checks the signatures, and this that no method is missing: a Protocol's own methods would return None."""
    names = {name for name in dir(Aws) if not name.startswith("_")}
    assert names <= set(dir(MemoryAws))
    aws: Aws = MemoryAws()
    assert aws.account() == "123456789012"
