"""The end of an app: finds in AWS what lambent created for it, shows that, and deletes it. Nothing else is touched."""

from __future__ import annotations

import time

from msgspec import Struct
from msgspec.structs import replace

from lambent import events
from lambent.aws.interface import Aws
from lambent.deployment.context import Timing
from lambent.deployment.observed import Observed, observe
from lambent.deployment.origin import foreign_origin
from lambent.deployment.plan import made_by_lambent
from lambent.deployment.resources.bucket import DeleteUploads, is_own_archive, packages_of_latest
from lambent.deployment.resources.function import DeleteFunction
from lambent.deployment.resources.log_group import DeleteLogGroup
from lambent.deployment.resources.permission import own_id
from lambent.deployment.resources.role import DeleteRole
from lambent.deployment.resources.url import DeleteUrl
from lambent.deployment.step import Deletion
from lambent.errors import DeployError
from lambent.events import PlannedLine
from lambent.names import ALIAS, Names
from lambent.units import count

_NOT_OURS = "lambent didn't create it"


class DestroyPlan(Struct, frozen=True):
    """What will be deleted, in this order, and the lines that say so. `origin` is another project that it was deployed from."""

    names: Names
    steps: tuple[Deletion, ...]
    lines: tuple[PlannedLine, ...]
    origin: str = ""

    @property
    def location(self) -> str:
        return f"account {self.names.account} in {self.names.region}"


def prepare(
    app: str, aws: Aws, *, logs: bool = False, timing: Timing | None = None, identities: tuple[str, ...] = ()
) -> DestroyPlan:
    """Observe what exists of the app and plan; change nothing. With `logs` its log group is deleted too.

    `identities` are those of the project that asks for it.

    The plan has no steps if nothing of it exists (any more). Raises DeployError if what exists isn't lambent's.
    """
    names, observed = observe(aws, app, (timing or Timing()).settle_s)
    planned = plan(names, observed, logs=logs, uploads=aws.bucket(names.bucket))
    is_foreign = any(line.detail == _NOT_OURS for line in planned.lines)
    if not planned.steps and is_foreign:
        hint = "lambent status --all lists the apps; check --name, --stage and --region"
        raise DeployError(f"there is no app {app} that lambent created", where=planned.location, hint=hint)
    return replace(planned, origin=foreign_origin(identities, observed))


def plan(names: Names, observed: Observed, *, logs: bool, uploads: bool) -> DestroyPlan:
    """Return what to delete. Traffic ends first, and the role goes after the function, which needs it to the end. Pure."""
    steps: list[Deletion] = []
    lines: list[PlannedLine] = []

    def delete(step: Deletion, what: str, detail: str = "") -> None:
        steps.append(step)
        lines.append(PlannedLine("delete", what, detail))

    archive_buckets = _archive_buckets(names, observed)
    if observed.latest is not None and made_by_lambent(names, observed.latest.tags):
        if observed.url is not None:
            delete(DeleteUrl(names.function, ALIAS), f"URL {observed.url.address}")
        for bucket in archive_buckets:  # before the function: it alone knows of a bucket of the user's own
            delete(DeleteUploads(bucket, names.overflow), f"s3://{bucket}/{names.overflow}", "packages outside the zip")
        delete(DeleteFunction(names.function), f"function {names.function}", _with_function(observed))
    elif observed.latest is not None:
        lines.append(PlannedLine("keep", f"function {names.function}", _NOT_OURS))
    own_role = observed.role is not None and made_by_lambent(names, observed.role.tags)
    if uploads and (steps or own_role):  # before the role, by which a repeated run knows that something is left
        code = f"s3://{names.bucket}/{names.uploads}"
        delete(DeleteUploads(names.bucket, names.uploads), code, "uploads, if there are any")
        if names.bucket not in archive_buckets:  # an interrupted deploy may have left some
            packages = f"s3://{names.bucket}/{names.overflow}"
            delete(DeleteUploads(names.bucket, names.overflow), packages, "packages, if there are any")
    if own_role:
        delete(DeleteRole(names.role), f"role {names.role}", _with_role(observed))
    elif observed.role is not None:
        lines.append(PlannedLine("keep", f"role {names.role}", _NOT_OURS))
    if observed.log_group is not None and logs:
        delete(DeleteLogGroup(names.log_group), f"log group {names.log_group}")
    elif observed.log_group is not None:
        lines.append(PlannedLine("keep", f"log group {names.log_group}", "use --logs to delete it too"))
    return DestroyPlan(names, tuple(steps), tuple(lines))


def _with_function(observed: Observed) -> str:
    """Return what AWS deletes along with the function, including what others added to it."""
    foreign = [f"alias {name}" for name in observed.foreign_aliases]
    foreign += [f"URL {observed.latest_url.address}"] if observed.latest_url else []
    foreign += [f"permission {statement.sid}" for statement in observed.statements if not own_id(statement.sid)]
    foreign += [f"permission {statement.sid} of $LATEST" for statement in observed.latest_statements]
    versions = f"with {count(len(observed.versions), 'version')}"
    return f"{versions}, and with what lambent didn't create: {', '.join(foreign)}" if foreign else versions


def _with_role(observed: Observed) -> str:
    """AWS deletes only an empty role."""
    foreign = ", ".join(observed.foreign_policies)
    return f"with policies that lambent didn't create: {foreign}" if foreign else ""


def _archive_buckets(names: Names, observed: Observed) -> list[str]:
    """Return the buckets that have archives of this app's packages."""
    locations = {location for _, location in observed.archives} | {packages_of_latest(observed)}
    own = (location.removeprefix("s3://") for location in locations if is_own_archive(location, names))
    return sorted({location.partition("/")[0] for location in own})


def destroy(plan: DestroyPlan, aws: Aws, emit: events.Emit) -> None:
    """Delete everything in the plan. A repeated run continues from wherever this one stopped."""
    start = time.monotonic()
    for step in plan.steps:
        emit(events.StepStarted(step.title))
        step_start = time.monotonic()
        step.delete(aws)
        emit(events.StepDone(step.title, time.monotonic() - step_start))
    emit(events.Destroyed(plan.names.app, plan.location, time.monotonic() - start))
