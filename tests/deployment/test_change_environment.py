"""`lambent env` on the local Lambda, where the new version is checked, and on moto's server."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from lambent import events
from lambent.aws.boto import connect
from lambent.aws.interface import Aws
from lambent.config.live_environment import FLAG_VARIABLES, SECRETS, keep_live_variables
from lambent.deployment.app_url import find_url
from lambent.deployment.change_environment import EnvironmentChange, change_environment, changed
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deploy import deploy
from lambent.deployment.invoke import build_event, find_callee
from lambent.deployment.list_environment import BY_COMMAND, describe_environment, list_environment
from lambent.deployment.rollback import rollback
from lambent.errors import DeployError, FunctionFailedError, UsageError
from lambent.events import Event, StepDone
from lambent.status_events import Variable
from support.deploy_cases import artifact, config
from support.local_service import RUNTIME, Service
from support.moto_server import answering, endpoint

__all__ = ["endpoint"]

FRESH = itertools.count()
QUICK = Timing(role_s=5, settle_s=30, answer_s=5)
APP = """
import os
def lambda_handler(event, context):
    if os.environ.get("BROKEN"):
        raise ValueError("BROKEN is set")
    return {"statusCode": 200, "body": os.environ.get("GREETING", "none")}
"""


@pytest.fixture
def name() -> str:
    return f"env{next(FRESH)}"


def run(aws: Aws, folder: Path, name: str, text: str = APP, **changes: object) -> events.Deployed:
    app_config = config(folder, name, runtime=RUNTIME, **changes)
    return deploy(app_config, artifact(folder, text, runtime=RUNTIME), DeployContext(aws, events.ignore, QUICK))


def change(aws: Aws, name: str, *removed: str, **values: str) -> tuple[events.Deployed, list[str]]:
    seen: list[Event] = []
    done = change_environment(name, EnvironmentChange(values, removed), DeployContext(aws, seen.append, QUICK))
    return done, [event.step for event in seen if isinstance(event, StepDone)]


def live(aws: Aws, name: str) -> dict[str, str]:
    function = aws.function(name, "live")
    assert function is not None
    return dict(function.settings.environment)


def test_a_change_is_a_version_of_its_own(aws: Aws, service: Service, tmp_path: Path, name: str) -> None:
    first = run(aws, tmp_path, name, environment=(("MODE", "a"),))
    assert service.fetch(first.url).body == b"none"
    done, steps = change(aws, name, GREETING="hello")
    assert (done.version, done.url, service.fetch(done.url).body) == ("2", first.url, b"hello")
    assert steps == ["update configuration", "publish version", "check version", "point live to the new version"]
    assert live(aws, name) == {"MODE": "a", "GREETING": "hello", FLAG_VARIABLES: "GREETING"}
    again, steps = change(aws, name, GREETING="hello")
    assert (again.version, again.changed, steps) == ("2", False, [])
    assert rollback(name, "", DeployContext(aws, events.ignore, QUICK)).version == "1"
    assert service.fetch(done.url).body == b"none"


def test_what_is_set_stays_and_what_is_unset_goes(aws: Aws, tmp_path: Path, name: str) -> None:
    run(aws, tmp_path, name, environment=(("MODE", "a"),))
    change(aws, name, GREETING="hello", OTHER="x")
    kept = keep_live_variables(config(tmp_path, name, environment=(("MODE", "a"),)), live(aws, name))
    assert dict(kept.environment) == {"MODE": "a", "GREETING": "hello", "OTHER": "x"}
    done, _ = change(aws, name, "OTHER", "MODE")
    assert done.version == "3" and live(aws, name) == {"GREETING": "hello", FLAG_VARIABLES: "GREETING"}


def test_a_version_that_fails_its_check_does_not_go_live(aws: Aws, service: Service, tmp_path: Path, name: str) -> None:
    url = run(aws, tmp_path, name).url
    with pytest.raises(FunctionFailedError, match="BROKEN is set") as error:
        change(aws, name, BROKEN="1")
    assert "version 1 is still live" in error.value.hint and service.fetch(url).body == b"none"
    done, _ = change(aws, name, GREETING="hello")
    assert service.fetch(done.url).body == b"hello" and "BROKEN" not in live(aws, name)


def test_the_code_is_what_is_live_and_not_of_a_failed_deploy(aws: Aws, service: Service, tmp_path: Path, name: str) -> None:
    run(aws, tmp_path, name)
    with pytest.raises(FunctionFailedError):
        run(aws, tmp_path, name, "raise SystemError('new code')\n")
    done, steps = change(aws, name, GREETING="hello")
    assert steps[0] == "upload code" and service.fetch(done.url).body == b"hello"


def test_what_cannot_be_changed_is_refused(aws: Aws, tmp_path: Path, name: str) -> None:
    with pytest.raises(DeployError, match="no version of nonesuch is live"):
        change(aws, "nonesuch", A="1")
    run(aws, tmp_path, name, identities=("git:example.com/one",))
    with pytest.raises(UsageError, match="was deployed from another project"):
        change_environment(
            name, EnvironmentChange({"AB": "1"}), DeployContext(aws, events.ignore, QUICK), ("git:example.com/two",)
        )
    with pytest.raises(UsageError, match="environment variables take"):
        change(aws, name, BIG="x" * 5000)


def test_on_moto(endpoint: str, tmp_path: Path, name: str) -> None:
    aws = connect("eu-west-1", endpoint_url=endpoint, keys=("lambent", "lambent"))
    timing = Timing(role_s=2, settle_s=5, answer_s=0.2)
    context = DeployContext(aws, events.ignore, timing, answering)
    deploy(config(tmp_path, name), artifact(tmp_path, APP), context)
    done = change_environment(name, EnvironmentChange({"GREETING": "hi"}), context)
    listed = list_environment(aws, name, "eu-west-1", {}, show_secrets=False)
    assert (done.version, listed.version) == ("2", "2")
    assert listed.variables == (Variable("GREETING", "hi", BY_COMMAND),)
    callee = find_callee(aws, name)
    assert (find_url(aws, name).address, callee.function.version) == (done.url, "2")
    assert json.loads(build_event(aws, callee, None, "url"))["headers"]["host"] in done.url


def test_the_variables_after_a_change() -> None:
    before = {
        "A": "1",
        "B": "2",
        FLAG_VARIABLES: "B",
        SECRETS: '{"DB":"ssm:/db","KEY":"ssm:/key"}',
        "LAMBENT_RESPONSE": "stream",
    }
    after = changed(before, EnvironmentChange({"DB": "plain", "C": "3"}, ("B",)))
    references = json.dumps({"KEY": "ssm:/key"}, separators=(",", ":"))
    own = {FLAG_VARIABLES: "C DB", SECRETS: references, "LAMBENT_RESPONSE": "stream"}
    assert after == {"A": "1", "C": "3", "DB": "plain"} | own
    assert changed({"B": "2", FLAG_VARIABLES: "B"}, EnvironmentChange(removed=("B",))) == {}


@pytest.mark.parametrize(
    ("names", "values", "what"),
    (
        (("NOPE",), {}, "NOPE is not set"),
        (("DB",), {}, "DB is a reference to a secret, ssm:/db"),
        ((), {FLAG_VARIABLES: "x"}, "lambent itself sets"),
        (("AWS_LAMBDA_EXEC_WRAPPER",), {}, "lambent itself sets AWS_LAMBDA_EXEC_WRAPPER"),
        (("LAMBENT_APP",), {}, "lambent itself sets LAMBENT_APP"),
        ((), {"LAMBENT_APP": "x:y"}, "lambent itself sets LAMBENT_APP"),
    ),
)
def test_changes_that_are_refused(names: tuple[str, ...], values: dict[str, str], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        changed({SECRETS: '{"DB":"ssm:/db"}', "LAMBENT_APP": "main:app"}, EnvironmentChange(values, names))


def test_a_setting_of_the_runtime_is_the_users_once_it_was_set() -> None:
    on = changed({}, EnvironmentChange({"LAMBENT_ACCESS_LOG": "off"}))
    assert on["LAMBENT_ACCESS_LOG"] == "off" and changed(on, EnvironmentChange(removed=("LAMBENT_ACCESS_LOG",))) == {}


def test_where_each_variable_comes_from() -> None:
    live = {
        "TOKEN": "k3y-of-shop",
        "MODE": "b",
        "BOTH": "2",
        "LEFT": "x",
        FLAG_VARIABLES: "TOKEN BOTH",
        SECRETS: '{"DB":"ssm:/db"}',
    }
    file = "pyproject.toml [tool.lambent] env"
    configured = {"MODE": ("a", file), "BOTH": ("1", file), "DB": ("ssm:/db", file), "NEW": ("n", file)}
    listed = describe_environment(live, configured, show_secrets=False)
    assert [(each.name, each.value, each.origin) for each in listed] == [
        ("BOTH", "2", f"{BY_COMMAND}; the next deploy sets it to that of {file}"),
        ("DB", "ssm:/db", file),
        ("LEFT", "x", "an earlier deploy, or by hand"),
        ("MODE", "b", f"{file}: changed since"),
        ("NEW", "n", f"{file}: not deployed yet"),
        ("TOKEN", "…", BY_COMMAND),
    ]
    assert describe_environment(live, {}, show_secrets=True)[-1].value == "k3y-of-shop"
