"""The two statements of the alias's policy that make its URL public. They are recognised by what they say, not by ID alone.

AWS can't change a statement, only add and remove it. If someone has changed one by hand, a correct one is added under another
ID (...Access2) before the wrong one is removed, so that no caller is refused in between.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any, ClassVar

from msgspec.structs import replace

from lambent.aws.error_codes import CONFLICT
from lambent.aws.interface import Aws
from lambent.aws.values import Statement
from lambent.deployment import aws_cli
from lambent.deployment.deployment import Deployment
from lambent.deployment.desired import Desired
from lambent.deployment.observed import Observed
from lambent.deployment.resources.alias import TERRAFORM_QUALIFIER
from lambent.deployment.step import ApiCall, PlanPart, Step
from lambent.errors import AwsError
from lambent.events import PlannedLine
from lambent.names import ALIAS, INVOKE_STATEMENT, URL_STATEMENT

_OWN_ID = re.compile(f"({URL_STATEMENT}|{INVOKE_STATEMENT})[0-9]*")


class Grant(Step, frozen=True):
    """Adds one statement to the alias's policy."""

    actions: ClassVar = ("lambda:AddPermission", "lambda:GetPolicy")
    name: str
    alias: str
    statement: Statement

    @property
    def title(self) -> str:
        return f"allow {self.statement.action.removeprefix('lambda:')} through the URL"

    def apply(self, deployment: Deployment) -> None:
        try:
            deployment.aws.add_statement(self.name, self.alias, self.statement)
        except AwsError as error:
            if error.code != CONFLICT or self.statement not in deployment.aws.statements(self.name, self.alias):
                raise

    def shell(self) -> Iterator[str]:
        statement = self.statement
        options = ["--statement-id", statement.sid, "--action", statement.action, "--principal", statement.principal]
        options += ["--function-url-auth-type", statement.url_auth] if statement.url_auth else []
        options += ["--invoked-via-function-url"] if statement.via_url else []
        yield aws_cli.command("lambda", "add-permission", *aws_cli.alias_options(self.name, self.alias), *options)


class Revoke(ApiCall, frozen=True):
    actions: ClassVar = ("lambda:RemovePermission",)
    name: str
    alias: str
    sid: str

    @property
    def title(self) -> str:
        return f"remove permission {self.sid}"

    def call(self, aws: Aws) -> None:
        aws.remove_statement(self.name, self.alias, self.sid)

    def shell(self) -> Iterator[str]:
        options = (*aws_cli.alias_options(self.name, self.alias), "--statement-id", self.sid)
        yield aws_cli.command("lambda", "remove-permission", *options)


def plan_grants(desired: Desired, observed: Observed) -> PlanPart:
    steps: list[Step] = []
    lines: list[PlannedLine] = []
    for statement in missing(observed.statements, desired.statements):
        sid = _unused_id(statement.sid, observed.statements)
        steps.append(Grant(desired.names.function, ALIAS, replace(statement, sid=sid)))
        lines.append(PlannedLine("create", f"permission {sid}", f"allows {statement.action}", routine=True))
    return PlanPart(tuple(steps), tuple(lines))


def plan_revokes(desired: Desired, observed: Observed) -> PlanPart:
    surplus = [
        statement.sid
        for statement in observed.statements
        if own_id(statement.sid) and not any(matches(statement, expected) for expected in desired.statements)
    ]
    why = "changed by hand: it is replaced" if desired.statements else "the URL is no longer public"
    steps = tuple(Revoke(desired.names.function, ALIAS, sid) for sid in surplus)
    return PlanPart(steps, tuple(PlannedLine("delete", f"permission {sid}", why) for sid in surplus))


def own_id(sid: str) -> str:
    """Return which of the two statements this ID belongs to, without its number; "" for one that isn't lambent's."""
    match = _OWN_ID.fullmatch(sid)
    return match[1] if match else ""


def matches(statement: Statement, expected: Statement) -> bool:
    """Return whether a statement says what is expected, under any of its IDs."""
    return own_id(statement.sid) == expected.sid and replace(statement, sid=expected.sid) == expected


def missing(existing: Iterable[Statement], expected: Iterable[Statement]) -> tuple[Statement, ...]:
    """Return the expected statements that don't exist."""
    statements = tuple(existing)
    return tuple(want for want in expected if not any(matches(statement, want) for statement in statements))


def _unused_id(sid: str, existing: Iterable[Statement]) -> str:
    used = {statement.sid for statement in existing}
    candidates = (f"{sid}{number if number > 1 else ''}" for number in count(1))
    return next(candidate for candidate in candidates if candidate not in used)


def describe(statement: Statement) -> str:
    """Return what a statement says, in words."""
    principal = "anyone" if statement.principal == "*" else statement.principal
    verb = "must not" if statement.effect == "Deny" else "may"
    through = ""
    if statement.url_auth:
        through = f" for URLs with auth {statement.url_auth}"
    elif statement.via_url:
        through = " through a URL"
    condition = f", if {statement.limits}" if statement.limits else ""
    return f"{principal} {verb} call {statement.action}{through}{condition}"


CLOUDFORMATION_IDS = {URL_STATEMENT: "UrlPermission", INVOKE_STATEMENT: "InvokePermission"}


def cloudformation(desired: Desired) -> dict[str, Any]:
    return {CLOUDFORMATION_IDS[statement.sid]: _permission(statement) for statement in desired.statements}


def _permission(statement: Statement) -> dict[str, Any]:
    """CloudFormation chooses the statement's ID itself."""
    properties: dict[str, Any] = {
        "FunctionName": {"Ref": "Alias"},
        "Action": statement.action,
        "Principal": statement.principal,
    }
    if statement.url_auth:
        properties["FunctionUrlAuthType"] = statement.url_auth
    if statement.via_url:
        properties["InvokedViaFunctionUrl"] = True
    return {"Type": "AWS::Lambda::Permission", "Properties": properties}


def terraform(desired: Desired) -> dict[str, Any]:
    if not desired.statements:
        return {}
    permissions = {
        "invoke" if statement.via_url else "url": {
            **TERRAFORM_QUALIFIER,
            "statement_id": statement.sid,
            "action": statement.action,
            "principal": statement.principal,
            **({"function_url_auth_type": statement.url_auth} if statement.url_auth else {}),
            **({"invoked_via_function_url": True} if statement.via_url else {}),
        }
        for statement in desired.statements
    }
    return {"aws_lambda_permission": permissions}
