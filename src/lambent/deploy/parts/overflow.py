"""The packages beside the zip: in the bucket before any version fetches them, and gone with the last that did. Pure."""

from __future__ import annotations

from collections.abc import Collection

from lambent.deploy import steps
from lambent.deploy.desired import Desired
from lambent.deploy.observed import Observed
from lambent.deploy.parts.part import Part, size
from lambent.deploy.steps import Step
from lambent.events import PlannedLine
from lambent.names import Names
from lambent.package.artifact import OVERFLOW


def overflow(desired: Desired, observed: Observed) -> Part:
    if desired.overflow is None:
        return Part()
    told = f"{desired.overflow_told}, {size(desired.overflow.size)} zipped, from {_place(desired)}"
    if not desired.own_role:
        told += "; your role must allow s3:GetObject there"
    if observed.stored:
        return Part(lines=(PlannedLine("keep", "packages beside the zip", told),))
    upload = steps.Upload(desired.overflow, desired.makes_bucket, desired.tags, "packages")
    return Part((upload,), (PlannedLine("create", "packages beside the zip", told),))


def unneeded(desired: Desired, observed: Observed, old: Collection[str]) -> tuple[Step, ...]:
    """The archives of the versions in `old` that no other one fetches. Only what lambent uploaded for this app is named."""
    gone = {place for version, place in observed.archives if version in old}
    needed = {place for version, place in observed.archives if version not in old} | {_place(desired), of_latest(observed)}
    places = tuple(sorted(place for place in gone - needed if ours(place, desired.names)))
    return (steps.DeleteArchives(places, desired.names.function),) if places else ()


def of_latest(observed: Observed) -> str:
    return dict(observed.latest.settings.environment).get(OVERFLOW, "") if observed.latest else ""


def ours(place: str, names: Names) -> bool:
    """Whether an archive ("s3://bucket/key") is one that lambent uploaded for this app."""
    return place.startswith("s3://") and place.removeprefix("s3://").partition("/")[2].startswith(names.overflow)


def _place(desired: Desired) -> str:
    return f"s3://{desired.overflow.bucket}/{desired.overflow.key}" if desired.overflow else ""
