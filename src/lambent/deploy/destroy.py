"""The end of an app: what lambent made for it is found in AWS, shown, and deleted. Nothing else is touched."""

from __future__ import annotations

import time

from msgspec import Struct

from lambent import events
from lambent.aws.interface import Aws
from lambent.deploy import removals
from lambent.deploy.means import Patience
from lambent.deploy.observed import Observed, observe
from lambent.deploy.parts.overflow import of_latest, ours
from lambent.deploy.plan import made_by_lambent
from lambent.deploy.statements import base
from lambent.deploy.steps import Single
from lambent.errors import DeployError
from lambent.events import PlannedLine
from lambent.names import ALIAS, Names


class Destruction(Struct, frozen=True):
    """What will be deleted, in this order, and the lines that say it."""

    names: Names
    steps: tuple[Single, ...]
    lines: tuple[PlannedLine, ...]

    @property
    def location(self) -> str:
        return f"account {self.names.account} in {self.names.region}"


def prepare(app: str, aws: Aws, *, logs: bool = False, patience: Patience | None = None) -> Destruction:
    """Looks at what there is of the app; changes nothing. With `logs` its log group goes too.

    Raises DeployError if there is nothing of it that lambent made.
    """
    names, observed = observe(aws, app, (patience or Patience()).settle_s)
    has_uploads = aws.bucket(names.bucket)
    found = plan(names, observed, logs=logs, uploads=has_uploads)
    if not any(line.verb == "delete" for line in found.lines):
        hint = "lambent status shows the apps there are; look at --name, --stage and --region"
        raise DeployError(f"there is no app {app} that lambent made", where=found.location, hint=hint)
    return found


def plan(names: Names, observed: Observed, *, logs: bool, uploads: bool) -> Destruction:
    """Pure. Traffic ends first, and the role goes after the function, which needs it to its end."""
    steps: list[Single] = []
    lines: list[PlannedLine] = []

    def delete(step: Single, what: str, detail: str = "") -> None:
        steps.append(step)
        lines.append(PlannedLine("delete", what, detail))

    if observed.latest is not None and made_by_lambent(names, observed.latest.tags):
        if observed.url is not None:
            delete(removals.DeleteUrl(names.function, ALIAS), f"URL {observed.url.address}")
        for bucket in _archived(names, observed):  # before the function: it alone knows of a bucket of the user's own
            told = "packages beside the zip"
            delete(removals.DeleteUploads(bucket, names.overflow), f"s3://{bucket}/{names.overflow}", told)
        delete(removals.DeleteFunction(names.function), f"function {names.function}", _with_function(observed))
    elif observed.latest is not None:
        lines.append(PlannedLine("keep", f"function {names.function}", "lambent did not make it"))
    own_role = observed.role is not None and made_by_lambent(names, observed.role.tags)
    if uploads and (steps or own_role):  # before the role, which is how a rerun finds that something is left
        prefix = f"uploads/{names.app}/"
        delete(removals.DeleteUploads(names.bucket, prefix), f"s3://{names.bucket}/{prefix}", "uploads, if there are any")
        if names.bucket not in _archived(names, observed):  # a deploy that was broken off may have left some
            left = removals.DeleteUploads(names.bucket, names.overflow)
            delete(left, f"s3://{names.bucket}/{names.overflow}", "packages, if there are any")
    if own_role:
        delete(removals.DeleteRole(names.role), f"role {names.role}", _with_role(observed))
    elif observed.role is not None:
        lines.append(PlannedLine("keep", f"role {names.role}", "lambent did not make it"))
    if observed.log_group is not None and logs:
        delete(removals.DeleteLogGroup(names.log_group), f"log group {names.log_group}")
    elif observed.log_group is not None:
        lines.append(PlannedLine("keep", f"log group {names.log_group}", "--logs deletes it too"))
    return Destruction(names, tuple(steps), tuple(lines))


def _with_function(observed: Observed) -> str:
    """What goes with a function, because AWS keeps none of it without one: what others hung on it too."""
    count = len(observed.versions)
    foreign = [f"alias {name}" for name in observed.beside]
    foreign += [f"URL {observed.latest_url.address}"] if observed.latest_url else []
    foreign += [f"permission {each.sid}" for each in observed.statements if not base(each.sid)]
    foreign += [f"permission {each.sid} of $LATEST" for each in observed.latest_statements]
    told = f"with {count} version{'s' * (count != 1)}"
    return f"{told}, and with what lambent did not make: {', '.join(foreign)}" if foreign else told


def _with_role(observed: Observed) -> str:
    """AWS wants a role empty before it goes."""
    inside = ", ".join(observed.inside)
    return f"with what lambent did not put into it: {inside}" if inside else ""


def _archived(names: Names, observed: Observed) -> list[str]:
    """The buckets that have archives of this app's packages."""
    places = {place for _, place in observed.archives} | {of_latest(observed)}
    return sorted({place.removeprefix("s3://").partition("/")[0] for place in places if ours(place, names)})


def destroy(doomed: Destruction, aws: Aws, emit: events.Emit) -> None:
    """Deletes it, step by step; a rerun goes on from wherever this stopped."""
    start = time.monotonic()
    for step in doomed.steps:
        emit(events.StepStarted(step.title))
        began = time.monotonic()
        step.call(aws)
        emit(events.StepDone(step.title, time.monotonic() - began))
    emit(events.Destroyed(doomed.names.app, doomed.location, time.monotonic() - start))
