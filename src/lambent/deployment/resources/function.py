"""The function: its code and configuration, which are $LATEST until a version of them is published."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from msgspec.structs import replace

from lambent.aws.error_codes import CONFLICT, INVALID, PRECONDITION
from lambent.aws.interface import Aws
from lambent.aws.regions import WITHOUT_SNAPSTART
from lambent.aws.values import Code, Function, Pairs, Settings
from lambent.calendar import SNAPSTART_SINCE, takes_snapshots
from lambent.deployment import aws_cli
from lambent.deployment.deployment import Deployment, PlanIsStale, stale_if_exists
from lambent.deployment.desired import Desired
from lambent.deployment.export.placeholders import Expression
from lambent.deployment.observed import Observed
from lambent.deployment.polling import wait_settled, wait_until
from lambent.deployment.resources import function_settings
from lambent.deployment.resources.bucket import upload_code
from lambent.deployment.step import Deletion, PlanPart, Step
from lambent.errors import AwsError, DeployError, OvertakenError
from lambent.events import PlannedLine

_CANNOT_ASSUME = "cannot be assumed by Lambda"


class CreateFunction(Step, frozen=True):
    actions: ClassVar = ("lambda:CreateFunction", "lambda:TagResource", "lambda:GetFunction", "iam:PassRole")
    name: str
    settings: Settings
    code: Code
    tags: Pairs

    @property
    def title(self) -> str:
        return f"create function {self.name}"

    def apply(self, deployment: Deployment) -> None:
        create = lambda: deployment.aws.create_function(self.name, self.settings, self.code, self.tags)  # noqa: E731
        with stale_if_exists(CONFLICT):
            _retry_while_role_is_new(deployment, create)
        settle(deployment, self.name)
        deployment.wrote_latest = True

    def shell(self) -> Iterator[str]:
        function = aws_cli.function_option(self.name)
        code = (*_code_options(self.code, "--code"), "--architectures", self.code.architecture)
        options = (*function, *code, *function_settings.cli_options(self.settings), *aws_cli.tag_map(self.tags))
        yield from aws_cli.retry_while_role_is_new(aws_cli.command("lambda", "create-function", *options))
        yield aws_cli.query("lambda", "wait", "function-active-v2", *function)


class UpdateCode(Step, frozen=True):
    title: ClassVar[str] = "upload code"
    actions: ClassVar = ("lambda:UpdateFunctionCode", "lambda:GetFunction")
    name: str
    code: Code

    def apply(self, deployment: Deployment) -> None:
        def is_current(function: Function) -> bool:
            return function.sha256 == self.code.sha256 and function.architecture == self.code.architecture

        _write(deployment, self.name, lambda revision: deployment.aws.update_code(self.name, self.code, revision), is_current)

    def shell(self) -> Iterator[str]:
        function = aws_cli.function_option(self.name)
        code = (*_code_options(self.code), "--architectures", self.code.architecture)
        yield aws_cli.command("lambda", "update-function-code", *function, *code)
        yield aws_cli.query("lambda", "wait", "function-updated-v2", *function)


class UpdateSettings(Step, frozen=True):
    title: ClassVar[str] = "update configuration"
    actions: ClassVar = (
        *("lambda:UpdateFunctionConfiguration", "lambda:GetFunctionConfiguration", "lambda:GetFunction"),
        "iam:PassRole",
    )
    name: str
    settings: Settings

    def apply(self, deployment: Deployment) -> None:
        def update(revision: str) -> Function:
            return _retry_while_role_is_new(
                deployment, lambda: deployment.aws.update_settings(self.name, self.settings, revision)
            )

        _write(deployment, self.name, update, lambda function: function.settings == self.settings)

    def shell(self) -> Iterator[str]:
        function = aws_cli.function_option(self.name)
        settings = function_settings.cli_options(self.settings, complete=True)
        update = aws_cli.command("lambda", "update-function-configuration", *function, *settings)
        yield from aws_cli.retry_while_role_is_new(update)
        yield aws_cli.query("lambda", "wait", "function-updated-v2", *function)


class DeleteFunction(Deletion, frozen=True):
    """Deletes the function with all its versions, aliases and permissions."""

    actions: ClassVar = ("lambda:DeleteFunction",)
    name: str

    @property
    def title(self) -> str:
        return f"delete function {self.name}"

    def delete(self, aws: Aws) -> None:
        aws.delete_function(self.name)


def settle(deployment: Deployment, name: str) -> Function:
    """Wait until $LATEST is usable, and remember its revision for the next write.

    Raises DeployError with AWS's own reason if the change failed.
    """
    function = wait_settled(deployment.aws, name, "", deployment.timing.settle_s)
    if function is None:
        hint = "someone deleted it during this deploy; run the same command again"
        raise DeployError(f"the function {name} no longer exists", where=name, hint=hint)
    if function.failed:
        hint = "fix that and run the same command again"
        raise DeployError(f"AWS could not activate {name}: {function.reason}", where=name, hint=hint)
    deployment.revision = function.revision
    return function


def _retry_while_role_is_new(deployment: Deployment, call: Callable[[], Function]) -> Function:
    """Lambda can't assume a role in its first seconds. Retry that very refusal, and no other."""
    results: list[Function] = []
    refusal = AwsError("")

    def succeeded() -> bool:
        nonlocal refusal
        try:
            results.append(call())
        except AwsError as error:
            if error.code != INVALID or _CANNOT_ASSUME not in error.what:
                raise
            refusal = error
        return bool(results)

    if not wait_until(succeeded, deployment.timing.role_s):
        refusal.hint = "check the role's trust policy, and whether an organisation's policy forbids it"
        raise refusal
    return results[0]


def _write(deployment: Deployment, name: str, write: Callable[[str], Function], is_current: Callable[[Function], bool]) -> None:
    """Write to $LATEST once, on the condition that no one else has since we looked (AWS's RevisionId).

    A lost connection may hide that a write succeeded. `is_current` returns whether the function is as the write leaves it.
    """
    try:
        write(deployment.revision)
    except AwsError as error:
        if error.code not in (CONFLICT, PRECONDITION):
            raise
        if is_current(settle(deployment, name)):
            return
        if not deployment.wrote_latest:
            raise PlanIsStale from error
        raise OvertakenError(name, "changed the function during this one") from None
    settle(deployment, name)
    deployment.wrote_latest = True


def _code_options(code: Code, bucket_option: str = "") -> tuple[str, ...]:
    if not code.bucket:
        return "--zip-file", f"fileb://{code.path}"
    if bucket_option:
        return bucket_option, json.dumps({"S3Bucket": code.bucket, "S3Key": code.key})
    return "--s3-bucket", code.bucket, "--s3-key", code.key


def is_as_desired(function: Function | None, desired: Desired) -> bool:
    """Return whether this version has the desired code and configuration, and can use its role."""
    return (
        function is not None
        and not desired.renews_role
        and function.sha256 == desired.code.sha256
        and function.architecture == desired.code.architecture
        and function.settings == desired.settings
    )


def plan_function(desired: Desired, observed: Observed) -> PlanPart:
    """Plan the function's code and settings. A table's doubts about a setting are lines: AWS decides."""
    planned = _plan_function(desired, observed)
    return replace(planned, lines=(*planned.lines, *_plan_snapstart(desired, observed)))


def _plan_snapstart(desired: Desired, observed: Observed) -> Iterator[PlannedLine]:
    had = observed.live or observed.latest
    if not desired.settings.snapstart or (had is not None and had.settings.snapstart):
        return
    if not takes_snapshots(desired.settings.runtime):
        detail = f"AWS takes snapshots of {SNAPSTART_SINCE} and later only: --runtime python3.13, or snapstart = false"
        yield PlannedLine("check", f"SnapStart with {desired.settings.runtime}", detail)
    if desired.names.region in WITHOUT_SNAPSTART:
        detail = "had no SnapStart in November 2026; if AWS refuses, snapstart = false"
        yield PlannedLine("check", f"region {desired.names.region}", detail)


def _plan_function(desired: Desired, observed: Observed) -> PlanPart:
    name, code, latest = desired.names.function, desired.code, observed.latest
    if latest is None:
        create = CreateFunction(name, desired.settings, code, desired.tags)
        line = PlannedLine("create", f"function {name}", _description(desired))
        return PlanPart((*upload_code(desired), create), (line,))
    if is_as_desired(observed.live, desired):
        return PlanPart(lines=(PlannedLine("keep", f"function {name}", _description(desired)),))
    steps: list[Step] = []
    lines: list[PlannedLine] = []
    before = observed.live or latest
    if code.sha256 != latest.sha256 or code.architecture != latest.architecture or latest.failed:
        steps += [*upload_code(desired), UpdateCode(name, code)]
    if before.sha256 != code.sha256 or before.architecture != code.architecture:
        unknown = f"which files isn't known: version {before.version} was built elsewhere, or long ago"
        lines.append(PlannedLine("update", "code", desired.code_changes or unknown))
    if desired.settings != latest.settings or latest.failed or desired.renews_role:
        steps.append(UpdateSettings(name, desired.settings))
    removed = function_settings.removed_variables(before.settings, desired.settings)
    lines += [PlannedLine("delete", f"environment variable {name}", "nothing sets it any more") for name in removed]
    changed = function_settings.changed(before.settings, desired.settings, desired.origins)
    if differences := [each for each in changed if each not in (f"env -{name}" for name in removed)]:
        lines.append(PlannedLine("update", "configuration", ", ".join(differences)))
    elif not changed and desired.renews_role:
        lines.append(PlannedLine("update", "configuration", "set the role again, which is a new one of the same name"))
    return PlanPart(tuple(steps), tuple(lines or [PlannedLine("keep", f"function {name}", "uploaded, but not live yet")]))


def _description(desired: Desired) -> str:
    settings = desired.settings
    machine = f"{settings.runtime} on {desired.code.architecture}"
    return f"{machine}, {settings.memory_mb} MB, {settings.timeout_s} s"


def cloudformation(desired: Desired) -> dict[str, Any]:
    properties = {
        "FunctionName": desired.names.function,
        "Runtime": desired.settings.runtime,
        "Handler": desired.settings.handler,
        "Code": {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": "CodeKey"}},
        "Role": {"Fn::GetAtt": ["Role", "Arn"]} if desired.own_role else desired.settings.role,
        "Architectures": [desired.code.architecture],
        **function_settings.cloudformation_properties(desired),
    }
    return {"Function": {"Type": "AWS::Lambda::Function", "DependsOn": ["LogGroup"], "Properties": properties}}


TERRAFORM_NAME = Expression("${aws_lambda_function.app.function_name}")


def terraform(desired: Desired) -> dict[str, Any]:
    attachment = ["aws_iam_role_policy_attachment.policy_0"] if desired.own_role and desired.policies else []
    arguments = {
        "function_name": desired.names.function,
        "runtime": desired.settings.runtime,
        "handler": desired.settings.handler,
        "role": Expression("${aws_iam_role.app.arn}") if desired.own_role else desired.settings.role,
        "s3_bucket": Expression("${var.code_bucket}"),
        "s3_key": Expression("${var.code_key}"),
        "source_code_hash": desired.code.sha256,
        "publish": True,
        "architectures": [desired.code.architecture],
        "tags": dict(desired.tags),
        "depends_on": ["aws_cloudwatch_log_group.app", *attachment],
        **function_settings.terraform_arguments(desired),
    }
    return {"aws_lambda_function": {"app": arguments}}
