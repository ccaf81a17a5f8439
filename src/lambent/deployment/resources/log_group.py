"""The log group. lambent creates it before the first invocation: the one that Lambda would create keeps logs forever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from lambent.aws.error_codes import LOG_GROUP_EXISTS
from lambent.aws.interface import Aws
from lambent.aws.values import Pairs
from lambent.deployment import aws_cli
from lambent.deployment.deployment import Deployment, stale_if_exists
from lambent.deployment.desired import Desired
from lambent.deployment.observed import Observed
from lambent.deployment.step import ApiCall, Deletion, PlanPart, Step, because
from lambent.events import PlannedLine


class CreateLogGroup(Step, frozen=True):
    title: ClassVar[str] = "create log group"
    actions: ClassVar = ("logs:CreateLogGroup", "logs:TagResource")
    group: str
    tags: Pairs

    def apply(self, deployment: Deployment) -> None:
        with stale_if_exists(LOG_GROUP_EXISTS):
            deployment.aws.create_log_group(self.group, self.tags)

    def shell(self) -> Iterator[str]:
        yield aws_cli.command("logs", "create-log-group", "--log-group-name", self.group, *aws_cli.tag_map(self.tags))


class SetRetention(ApiCall, frozen=True):
    """`days` None keeps logs forever."""

    actions: ClassVar = ("logs:PutRetentionPolicy", "logs:DeleteRetentionPolicy")
    group: str
    days: int | None

    @property
    def title(self) -> str:
        return f"keep logs {_duration(self.days)}"

    def call(self, aws: Aws) -> None:
        aws.set_retention(self.group, self.days)

    def shell(self) -> Iterator[str]:
        group = ("--log-group-name", self.group)
        if self.days is None:
            yield aws_cli.command("logs", "delete-retention-policy", *group)
        else:
            yield aws_cli.command("logs", "put-retention-policy", *group, "--retention-in-days", str(self.days))


class DeleteLogGroup(Deletion, frozen=True):
    actions: ClassVar = ("logs:DeleteLogGroup",)
    group: str

    @property
    def title(self) -> str:
        return f"delete log group {self.group}"

    def delete(self, aws: Aws) -> None:
        aws.delete_log_group(self.group)


def plan_log_group(desired: Desired, observed: Observed) -> PlanPart:
    name, days = desired.names.log_group, desired.retention_days
    why = because("log_retention", desired.origins)
    if observed.log_group is None:
        retention = (SetRetention(name, days),) if days else ()
        line = PlannedLine("create", f"log group {name}", f"logs kept {_duration(days)}{why}", routine=True)
        return PlanPart((CreateLogGroup(name, desired.tags), *retention), (line,))
    if observed.log_group.retention_days == days:
        return PlanPart(lines=(PlannedLine("keep", f"log group {name}", f"logs kept {_duration(days)}{why}"),))
    change = f"logs kept {_duration(observed.log_group.retention_days)} -> {_duration(days)}{why}"
    return PlanPart((SetRetention(name, days),), (PlannedLine("update", f"log group {name}", change),))


def _duration(days: int | None) -> str:
    return f"{days} days" if days else "forever"


def cloudformation(desired: Desired) -> dict[str, Any]:
    retention = {"RetentionInDays": desired.retention_days} if desired.retention_days else {}
    tags = [{"Key": key, "Value": value} for key, value in desired.tags]
    properties = {"LogGroupName": desired.names.log_group, **retention, "Tags": tags}
    policies = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    return {"LogGroup": {"Type": "AWS::Logs::LogGroup", **policies, "Properties": properties}}


def terraform(desired: Desired) -> dict[str, Any]:
    retention = {"retention_in_days": desired.retention_days} if desired.retention_days else {}
    group = {"name": desired.names.log_group, **retention, "tags": dict(desired.tags)}
    return {"aws_cloudwatch_log_group": {"app": group}}
