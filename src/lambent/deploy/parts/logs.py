"""The log group: made before the first call, so that it does not keep everything for ever. Pure."""

from __future__ import annotations

from lambent.deploy import steps
from lambent.deploy.desired import Desired
from lambent.deploy.observed import Observed
from lambent.deploy.parts.part import Part, because
from lambent.events import PlannedLine


def logs(desired: Desired, observed: Observed) -> Part:
    name, days = desired.names.log_group, desired.retention_days
    kept = f"kept {_days(days)}{because('log_retention', desired.origins)}"
    if observed.log_group is None:
        made = (steps.CreateLogGroup(name, desired.tags), *((steps.SetRetention(name, days),) if days else ()))
        return Part(made, (PlannedLine("create", f"log group {name}", kept),))
    if observed.log_group.retention_days == days:
        return Part(lines=(PlannedLine("keep", f"log group {name}", kept),))
    change = f"{_days(observed.log_group.retention_days)} -> {_days(days)}{because('log_retention', desired.origins)}"
    return Part((steps.SetRetention(name, days),), (PlannedLine("update", f"log group {name}", change),))


def _days(days: int | None) -> str:
    return f"{days} days" if days else "for ever"
