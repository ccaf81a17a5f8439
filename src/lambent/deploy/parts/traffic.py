"""Which version answers: publish, check, move the alias; keep environments warm; forget old versions. Pure."""

from __future__ import annotations

from lambent.aws.interface import STREAMED
from lambent.deploy import steps
from lambent.deploy.desired import Desired
from lambent.deploy.observed import Observed
from lambent.deploy.parts.function import is_as_desired
from lambent.deploy.parts.part import Part
from lambent.deploy.steps import Step
from lambent.events import PlannedLine
from lambent.names import ALIAS


def traffic(desired: Desired, observed: Observed) -> Part:
    """The URL's mode must be that of the version behind it, and AWS changes one after the other. In between, requests get a
    502 when the URL is BUFFERED and the version streams; the other way round they would see the raw JSON of the answer, with
    status 200, headers and cookies in the page. So the mode is set last when streaming begins, and first when it ends.
    """
    name, alias = desired.names.function, observed.alias
    mode: list[Step] = []
    if observed.url is not None and observed.url.mode != desired.mode:
        mode = [steps.UpdateUrl(name, ALIAS, mode=desired.mode)]
    if alias is not None and is_as_desired(observed.live, desired):
        if alias.weights:
            return _whole(desired, observed, mode)
        return Part(tuple(mode), (PlannedLine("keep", f"version {alias.version}", f"{ALIAS} points at it"),))
    previous = alias.version if alias else ""
    point: list[Step] = [steps.PointAlias(name, ALIAS, previous, alias.revision if alias else "")]
    todo: list[Step] = [
        steps.PublishVersion(name, desired.settings, desired.code),
        steps.CheckVersion(name, desired.settings, desired.strict, desired.mode),
        *(point + mode if desired.mode == STREAMED else mode + point),
    ]
    check = PlannedLine("check", "new version", f"must answer GET / before it goes {ALIAS}")
    move = f"version {previous} -> the new one" if previous else "the new version"
    return Part(tuple(todo), (check, PlannedLine("update" if previous else "create", f"alias {ALIAS}", move)))


def _whole(desired: Desired, observed: Observed, mode: list[Step]) -> Part:
    """A share of the traffic still goes to another version: a canary that was broken off."""
    alias = observed.alias
    assert alias is not None
    shares = ", ".join(f"{share:.0%} to version {version}" for version, share in alias.weights)
    line = PlannedLine("update", f"alias {ALIAS}", f"all to version {alias.version} ({shares} until now)")
    return Part((*mode, steps.MoveAlias(desired.names.function, ALIAS, alias.version, alias.revision)), (line,))


def provisioned(desired: Desired, observed: Observed) -> Part:
    now = observed.provisioned.requested if observed.provisioned else None
    if now == desired.provisioned and not (observed.provisioned and observed.provisioned.status == "FAILED"):
        return Part()
    verb = "create" if now is None else "update"
    change = f"{now if now is not None else 'none'} -> {desired.provisioned if desired.provisioned is not None else 'none'}"
    step = steps.Provision(desired.names.function, ALIAS, desired.provisioned)
    return Part((step,), (PlannedLine(verb, "provisioned concurrency", change),))


def pruned(desired: Desired, observed: Observed, publishes: bool) -> Part:
    """The versions to forget: all but the newest `keep`, and never one that has traffic."""
    busy = {observed.alias.version, *(version for version, _ in observed.alias.weights)} if observed.alias else set()
    keep = max(desired.keep_versions - publishes, 1)
    old = tuple(version for version in observed.versions[:-keep] if version not in busy)
    if not old:
        return Part()
    told = f"{len(old)} of {len(observed.versions)}, the newest {desired.keep_versions} stay"
    return Part((steps.DeleteVersions(desired.names.function, old),), (PlannedLine("delete", "old versions", told),))
