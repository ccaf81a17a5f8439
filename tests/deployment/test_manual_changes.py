"""Changes made by hand between two deploys: detected, reported, fixed or left alone. On the local Lambda and moto."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambent import events
from lambent.aws.boto import connect
from lambent.aws.interface import Aws
from lambent.aws.values import Code, Settings
from lambent.config.model import Hosting
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deploy import deploy, prepare
from lambent.deployment.desired import PUBLIC_STATEMENTS
from lambent.deployment.destroy import destroy
from lambent.deployment.destroy import prepare as prepare_destroy
from lambent.deployment.fetch import Fetch, fetch
from lambent.deployment.observed import observe
from lambent.deployment.polling import wait_settled
from lambent.deployment.rollback import rollback
from lambent.deployment.status import status
from lambent.deployment.version_list import versions
from lambent.errors import DeployError
from support.deploy_cases import HookedAws, artifact, config
from support.local_service import RUNTIME
from support.moto_server import answering, endpoint

__all__ = ["endpoint"]

QUICK = Timing(role_s=5, settle_s=30, answer_s=5)
FRESH = itertools.count()
SAYS = "def lambda_handler(event, context):\n    return {{'statusCode': 200, 'body': {!r}}}\n"
FIRST, SECOND = (command.sid for command in PUBLIC_STATEMENTS)


class App:
    """One app in one account."""

    def __init__(self, aws: Any, fetch: Fetch, folder: Path) -> None:
        self.aws, self.fetch, self.folder = aws, fetch, folder
        self.name = f"hand{next(FRESH)}"
        self.role = f"lambent-{self.name}"

    def deploy(self, text: str = "one", aws: Any = None, **hosting: Any) -> events.Deployed:
        zipped = artifact(self.folder, text if "def " in text or "import" in text else SAYS.format(text), runtime=RUNTIME)
        expected = config(self.folder, self.name, runtime=RUNTIME, hosting=Hosting(**hosting))
        return deploy(expected, zipped, DeployContext(aws or self.aws, events.ignore, QUICK, self.fetch))

    def planned(self, text: str = "one") -> list[str]:
        """Return the lines of a plan, without those of what stays."""
        zipped = artifact(self.folder, SAYS.format(text), runtime=RUNTIME)
        planned_lines = prepare(config(self.folder, self.name, runtime=RUNTIME), zipped, self.aws, QUICK)
        lines = [f"{line.verb} {line.what}: {line.detail}" for line in planned_lines.lines if line.verb != "keep"]
        return [line for line in lines if self.fetch is fetch or "on $LATEST" not in line]  # moto's versions share one policy

    def deleted(self) -> dict[str, str]:
        """Return what a destroy would delete."""
        return {
            line.what: line.detail for line in prepare_destroy(self.name, self.aws, timing=QUICK).lines if line.verb == "delete"
        }

    def call(self, service: str, operation: str, **params: Any) -> Any:
        return getattr(self.aws._client(service), operation)(**params)


@pytest.fixture
def local(aws: Aws, tmp_path: Path) -> App:
    return App(aws, fetch, tmp_path)


@pytest.fixture(params=["local", "moto"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> App:
    if request.param == "local":
        return App(request.getfixturevalue("aws"), fetch, tmp_path)
    url = request.getfixturevalue("endpoint")
    return App(connect("eu-west-1", endpoint_url=url, keys=("lambent", "lambent")), answering, tmp_path)


# Changed permissions


def change_permission(app: App) -> None:
    at = {"FunctionName": app.name, "Qualifier": "live", "StatementId": FIRST}
    app.call("lambda", "remove_permission", **at)
    lines = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
    app.call("lambda", "add_permission", **at, **lines, SourceAccount="123456789012")


def sids(app: App) -> list[str]:
    return sorted(command.sid for command in app.aws.statements(app.name, "live"))


def test_changed_permission_is_replaced_before_it_is_removed(local: App) -> None:
    local.deploy()
    change_permission(local)
    assert [line for line in local.planned() if not line.startswith("drift")] == [
        f"create permission {FIRST}2: allows lambda:InvokeFunctionUrl",
        f"delete permission {FIRST}: changed by hand: it is replaced",
    ]
    (drift,) = [line for line in local.planned() if line.startswith("drift")]
    assert "changed by hand" in drift and '"AWS:SourceAccount":"123456789012"' in drift
    watched = HookedAws(local.aws)
    assert local.deploy(aws=watched).version == "1"
    assert watched.calls.index("add_statement") < watched.calls.index("remove_statement")
    assert sids(local) == [f"{FIRST}2", SECOND]
    assert local.planned() == [] and local.deploy().changed is False
    closed = local.deploy(auth="AWS_IAM")
    assert sids(local) == [] and fetch(closed.url, 10).forbidden
    destroy(prepare_destroy(local.name, local.aws, logs=True), local.aws, events.ignore)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("at", ["add_statement", "remove_statement"])
def test_interrupted_replacement_refuses_no_caller(local: App, moment: str, at: str) -> None:
    url = local.deploy().url
    local.call("lambda", "add_permission", **_wider(local))  # so that all callers get in, though the statement isn't lambent's
    local.aws.remove_statement(local.name, "live", FIRST)
    local.call("lambda", "add_permission", **{**_wider(local), "StatementId": FIRST})
    local.aws.remove_statement(local.name, "live", "wider")

    def stop(call: str, number: int) -> None:
        if call == at:
            raise KeyboardInterrupt

    with polling(url) as responses:
        with pytest.raises(KeyboardInterrupt):
            local.deploy(aws=HookedAws(local.aws, **{moment: stop}))
        local.deploy()
    assert responses and set(responses) == {(200, b"one")}
    assert sids(local) == [f"{FIRST}2", SECOND]


def _wider(app: App) -> dict[str, str]:
    """Return a statement for URLs of any kind."""
    lines = {"FunctionName": app.name, "Qualifier": "live", "StatementId": "wider", "Principal": "*"}
    return {**lines, "Action": "lambda:InvokeFunctionUrl"}


class polling:
    """A client that sends requests without pause."""

    def __init__(self, url: str) -> None:
        self.url, self.responses, self.over = url, [], threading.Event()  # type: ignore[var-annotated]
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        while not self.over.is_set():
            answer = fetch(self.url, 10)
            self.responses.append((answer.status, answer.body))

    def __enter__(self) -> list[tuple[int, bytes]]:
        self.thread.start()
        return self.responses

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join(20)


# Foreign additions


def test_foreign_additions_are_reported_and_only_destroy_removes_them(local: App) -> None:
    local.deploy()
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
    local.aws.put_inline_policy(local.role, "theirs", document)
    function = {"FunctionName": local.name}
    by_hand = local.call("lambda", "create_function_url_config", **function, AuthType="NONE")["FunctionUrl"]
    all_may = {"Principal": "*", "Action": "lambda:InvokeFunction"}
    local.call("lambda", "add_permission", **function, StatementId="past", **all_may)
    local.call("lambda", "add_permission", **function, StatementId="all", Qualifier="live", **all_may)
    local.aws.create_alias(local.name, "beta", "1")
    lines = [
        "permission all: anyone may call lambda:InvokeFunction: lambent didn't create it and leaves it alone",
        f"URL {by_hand}: leads to $LATEST instead of live, with auth NONE: lambent didn't create it and leaves it alone",
        "permission past: anyone may call lambda:InvokeFunction on $LATEST: lambent didn't create it and leaves it alone",
        f"role {local.role}: the policy theirs is in it: lambent didn't create it and leaves it alone",
    ]
    assert local.planned() == [f"drift {line}" for line in lines]
    shown = status(local.name, local.aws, 5)
    assert shown and [f"{line.what}: {line.detail}" for line in shown.drift] == lines
    assert local.deploy("two").changed
    assert local.planned("two") == [f"drift {line}" for line in lines]
    foreign = f"alias beta, URL {by_hand}, permission all, permission past of $LATEST"
    assert local.deleted()[f"function {local.name}"] == f"with 2 versions, and with what lambent didn't create: {foreign}"
    assert local.deleted()[f"role {local.role}"] == "with policies that lambent didn't create: theirs"
    destroy(prepare_destroy(local.name, local.aws), local.aws, events.ignore)
    assert local.aws.role(local.role) is None and local.aws.function(local.name) is None


# Deleted resources


def delete_role(app: App) -> None:
    for arn in app.aws.attached_policies(app.role):
        app.aws.detach_policy(app.role, arn)
    app.aws.delete_role(app.role)


DELETED: dict[str, tuple[Callable[[App], None], tuple[str, ...]]] = {
    "role": (delete_role, ("create role",)),
    "log group": (lambda app: app.aws.delete_log_group(f"/aws/lambda/{app.name}"), ("create log group",)),
    "alias": (lambda app: app.aws.delete_alias(app.name, "live"), ("check new version", "create alias live")),
    "URL": (lambda app: app.aws.delete_url(app.name, "live"), ("check version 1", "create URL")),
    "function": (
        lambda app: app.aws.delete_function(app.name),
        (
            "create function",
            "check new version",
            "create alias",
            f"create permission {FIRST}",
            f"create permission {SECOND}",
            "create URL",
        ),
    ),
}


@pytest.mark.parametrize("what", DELETED)
def test_deleted_resources_are_created_again(app: App, what: str) -> None:
    """If the alias is deleted, its URL and permissions stay, as on AWS, but the permissions are hidden until it is back."""
    app.deploy()
    take, expected = DELETED[what]
    take(app)
    planned_lines = [line for line in app.planned() if not line.startswith("drift")]
    if what == "alias":
        planned_lines = [line for line in planned_lines if "permission" not in line]
    assert len(planned_lines) == len(expected) and all(
        line.startswith(lines) for line, lines in zip(planned_lines, expected, strict=True)
    ), planned_lines
    shown = status(app.name, app.aws, 5)
    assert (shown is None) is (what == "function")
    again = app.deploy()
    assert again.changed and app.fetch(again.url, 10, ()).status == 200
    assert app.planned() == [] and app.deploy().changed is False
    destroy(prepare_destroy(app.name, app.aws, logs=True), app.aws, events.ignore)
    _, observed = observe(app.aws, app.name, 5)
    assert (observed.role, observed.latest, observed.log_group) == (None, None, None)


@pytest.mark.parametrize("what", DELETED)
def test_remaining_resources_can_be_destroyed(app: App, what: str) -> None:
    app.deploy()
    DELETED[what][0](app)
    destroy(prepare_destroy(app.name, app.aws, logs=True), app.aws, events.ignore)
    _, observed = observe(app.aws, app.name, 5)
    assert (observed.role, observed.latest, observed.log_group) == (None, None, None)


def test_every_command_leaves_a_foreign_function_alone(app: App) -> None:
    zipped = artifact(app.folder, "theirs")
    app.aws.create_role("theirs" + app.name, ())
    settings = Settings(app.aws.role("theirs" + app.name).arn, "python3.12", "main.h", 128, 3, 512)
    app.aws.create_function(app.name, settings, Code(zipped.path, zipped.sha256, zipped.zipped, "x86_64"), (("team", "a"),))
    before = wait_settled(app.aws, app.name, "", 10)
    commands: tuple[Callable[[], object], ...] = (
        app.deploy,
        app.planned,
        lambda: rollback(app.name, "", DeployContext(app.aws, events.ignore, QUICK)),
        lambda: status(app.name, app.aws, 5),
        lambda: versions(app.name, app.aws),
        lambda: prepare_destroy(app.name, app.aws, timing=QUICK),
    )
    for command in commands:
        with pytest.raises(DeployError, match=r"lambent didn't create it|that lambent created|has no versions"):
            command()
    assert app.aws.function(app.name) == before and app.aws.role(app.role) is None


# A first version that doesn't start

BROKEN = "import nonesuch\n"


def test_failed_first_deploy_is_shown_clearly(local: App) -> None:
    for _ in range(2):
        with pytest.raises(DeployError, match="the module nonesuch is missing"):
            local.deploy(BROKEN)
    shown = status(local.name, local.aws, 5)
    assert shown and (shown.access, shown.version, shown.versions) == ("signed", "", 1)
    assert shown.drift == () and shown.unfinished == (
        "no one can call it: version 1 failed its check; lambent deploy continues from here"
    )
    assert fetch(shown.url, 10).status == 403
    (row,) = versions(local.name, local.aws).versions
    assert (row.version, row.share, row.failed) == ("1", 0, True)
    with pytest.raises(DeployError, match=r"no version of .* is live") as nothing:
        rollback(local.name, "", DeployContext(local.aws, events.ignore, QUICK))
    assert "lambent deploy" in nothing.value.hint
    assert "update alias live: the new version" in local.planned("mended")
    assert set(local.deleted()) == {f"URL {shown.url}", f"function {local.name}", f"role {local.role}"}
    mended = local.deploy("mended")
    assert mended.url == shown.url and fetch(mended.url, 10).body == b"mended" and local.planned("mended") == []
    again = status(local.name, local.aws, 5)
    assert again and (again.drift, again.unfinished) == ((), "")


def test_failed_first_deploy_can_be_destroyed(local: App) -> None:
    with pytest.raises(DeployError, match="nonesuch"):
        local.deploy(BROKEN)
    destroy(prepare_destroy(local.name, local.aws, logs=True), local.aws, events.ignore)
    _, observed = observe(local.aws, local.name, 5)
    assert (observed.role, observed.latest, observed.log_group) == (None, None, None)
