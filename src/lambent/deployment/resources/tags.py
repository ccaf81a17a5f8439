"""The function's tags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from lambent.aws.interface import Aws
from lambent.aws.values import Pairs
from lambent.deployment import aws_cli
from lambent.deployment.desired import Desired
from lambent.deployment.observed import Observed
from lambent.deployment.step import ApiCall, PlanPart, because
from lambent.events import PlannedLine
from lambent.names import TAG_FAILED, TAG_ORIGIN


class Tag(ApiCall, frozen=True):
    title: ClassVar[str] = "set tags"
    actions: ClassVar = ("lambda:TagResource",)
    arn: str
    tags: Pairs

    def call(self, aws: Aws) -> None:
        aws.tag(self.arn, self.tags)

    def shell(self) -> Iterator[str]:
        yield aws_cli.command("lambda", "tag-resource", "--resource", self.arn, *aws_cli.tag_map(self.tags))


class Untag(ApiCall, frozen=True):
    title: ClassVar[str] = "remove tags"
    actions: ClassVar = ("lambda:UntagResource",)
    arn: str
    keys: tuple[str, ...]

    def call(self, aws: Aws) -> None:
        aws.untag(self.arn, self.keys)

    def shell(self) -> Iterator[str]:
        yield aws_cli.command("lambda", "untag-resource", "--resource", self.arn, "--tag-keys", *self.keys)


def plan_tags(desired: Desired, observed: Observed) -> PlanPart:
    """Plan changed tags. A new function gets its tags when it is created."""
    if observed.latest is None:
        return PlanPart()
    arn, existing = desired.names.function_arn, dict(observed.latest.tags)
    new = tuple((key, value) for key, value in desired.tags if existing.get(key) != value)
    own = {*dict(desired.tags), TAG_FAILED}
    old = tuple(key for key in existing if key not in own and not key.startswith("aws:"))
    if not new and not old:
        return PlanPart()
    changes = [f"{key} = {value}" for key, value in new] + [f"-{key}" for key in old]
    why = because("tags", desired.origins) if dict(new).keys() != {TAG_ORIGIN} or old else ""
    line = PlannedLine("update", "tags", f"{', '.join(changes)}{why}", routine=dict(new).keys() == {TAG_ORIGIN} and not old)
    return PlanPart((*((Tag(arn, new),) if new else ()), *((Untag(arn, old),) if old else ())), (line,))
