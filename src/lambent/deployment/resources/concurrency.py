"""Reserved and provisioned concurrency."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from lambent.aws.interface import Aws
from lambent.aws.values import Provisioned
from lambent.deployment import aws_cli
from lambent.deployment.deployment import Deployment
from lambent.deployment.desired import Desired
from lambent.deployment.observed import Observed
from lambent.deployment.polling import wait_until
from lambent.deployment.resources.alias import TERRAFORM_QUALIFIER
from lambent.deployment.step import ApiCall, PlanPart, Step, because
from lambent.errors import DeployError, UnconfirmedError
from lambent.events import PlannedLine
from lambent.names import ALIAS


class Reserve(ApiCall, frozen=True):
    """Sets the reserved concurrency; `executions` None removes it."""

    title: ClassVar[str] = "set reserved concurrency"
    actions: ClassVar = ("lambda:PutFunctionConcurrency", "lambda:DeleteFunctionConcurrency")
    name: str
    executions: int | None

    def call(self, aws: Aws) -> None:
        aws.reserve(self.name, self.executions)

    def shell(self) -> Iterator[str]:
        function = aws_cli.function_option(self.name)
        if self.executions is None:
            yield aws_cli.command("lambda", "delete-function-concurrency", *function)
        else:
            reserved = ("--reserved-concurrent-executions", str(self.executions))
            yield aws_cli.command("lambda", "put-function-concurrency", *function, *reserved)


class Provision(Step, frozen=True):
    """Sets the provisioned concurrency and waits until the environments are ready; `executions` None removes it."""

    title: ClassVar[str] = "set provisioned concurrency"
    actions: ClassVar = (
        *("lambda:PutProvisionedConcurrencyConfig", "lambda:DeleteProvisionedConcurrencyConfig"),
        "lambda:GetProvisionedConcurrencyConfig",
    )
    name: str
    alias: str
    executions: int | None

    def apply(self, deployment: Deployment) -> None:
        deployment.aws.provision(self.name, self.alias, self.executions)
        if self.executions is not None:
            _wait_provisioned(deployment, self.name, self.alias)

    def shell(self) -> Iterator[str]:
        alias = aws_cli.alias_options(self.name, self.alias)
        if self.executions is None:
            yield aws_cli.command("lambda", "delete-provisioned-concurrency-config", *alias)
        else:
            provisioned = ("--provisioned-concurrent-executions", str(self.executions))
            yield aws_cli.command("lambda", "put-provisioned-concurrency-config", *alias, *provisioned)


class AwaitProvisioned(Step, frozen=True):
    """Waits for the environments of the alias's new version: AWS starts new ones when an alias moves."""

    title: ClassVar[str] = "wait for the provisioned environments"
    actions: ClassVar = ("lambda:GetProvisionedConcurrencyConfig",)
    changes: ClassVar[bool] = False
    name: str
    alias: str

    def apply(self, deployment: Deployment) -> None:
        _wait_provisioned(deployment, self.name, self.alias)

    def shell(self) -> Iterator[str]:
        options = (*aws_cli.alias_options(self.name, self.alias), "--query", "Status", "--output", "text")
        status = aws_cli.query("lambda", "get-provisioned-concurrency-config", *options)
        yield f'while [ "$({status})" = IN_PROGRESS ]; do sleep 3; done'


def _wait_provisioned(deployment: Deployment, name: str, alias: str) -> None:
    provisioned: Provisioned | None = None

    def ready() -> bool:
        nonlocal provisioned
        provisioned = deployment.aws.provisioned(name, alias)
        return provisioned is None or provisioned.status != "IN_PROGRESS"

    if not wait_until(ready, deployment.timing.settle_s):
        what = "AWS is still starting the provisioned environments"
        raise UnconfirmedError(what, where=name, hint="it finishes on its own; run the same command again to check")
    if provisioned is not None and provisioned.status == "FAILED":
        what = f"AWS could not provision {provisioned.requested} environments: {provisioned.reason}"
        raise DeployError(what, where=name, hint="lower provisioned_concurrency, or check the account's concurrency limit")


def plan_reserved(desired: Desired, observed: Observed) -> PlanPart:
    current = observed.latest.reserved if observed.latest else None
    if desired.reserved == current:
        return PlanPart()
    why = because("reserved_concurrency", desired.origins)
    change = f"{_or_none(current)} -> {_or_none(desired.reserved)}{why}"
    line = PlannedLine("update" if current is not None else "create", "reserved concurrency", change)
    return PlanPart((Reserve(desired.names.function, desired.reserved),), (line,))


def _or_none(number: int | None) -> str:
    return "none" if number is None else str(number)


def plan_provisioned(desired: Desired, observed: Observed, moves: bool) -> PlanPart:
    """Plan provisioned concurrency. It belongs to the alias, and AWS starts new environments when the alias `moves`.

    Until they are ready, the new version starts on demand. They can't be ready before that: AWS refuses to point such an alias
    to a version that has provisioned concurrency of its own.
    """
    current = observed.provisioned.requested if observed.provisioned else None
    if current == desired.provisioned and not (observed.provisioned and observed.provisioned.status == "FAILED"):
        return PlanPart((AwaitProvisioned(desired.names.function, ALIAS),)) if current and moves else PlanPart()
    verb = "create" if current is None else "update"
    change = f"{_or_none(current)} -> {_or_none(desired.provisioned)}{because('provisioned_concurrency', desired.origins)}"
    step = Provision(desired.names.function, ALIAS, desired.provisioned)
    return PlanPart((step,), (PlannedLine(verb, "provisioned concurrency", change),))


def terraform(desired: Desired) -> dict[str, Any]:
    if desired.provisioned is None:
        return {}
    arguments = {**TERRAFORM_QUALIFIER, "provisioned_concurrent_executions": desired.provisioned}
    return {"aws_lambda_provisioned_concurrency_config": {"live": arguments}}
