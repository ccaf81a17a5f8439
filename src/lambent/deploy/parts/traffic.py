"""Which version answers: publish, check, move the alias; keep environments warm; forget old versions. Pure."""

from __future__ import annotations

from lambent.aws.values import STREAMED, Alias
from lambent.deploy import steps
from lambent.deploy.desired import PUBLIC, Desired
from lambent.deploy.observed import Observed
from lambent.deploy.parts.function import is_as_desired
from lambent.deploy.parts.overflow import unneeded
from lambent.deploy.parts.part import Part, because
from lambent.deploy.steps import Step
from lambent.errors import UsageError
from lambent.events import PlannedLine
from lambent.names import ALIAS


def traffic(desired: Desired, observed: Observed) -> Part:
    """The URL's mode must be that of the version behind it, and AWS changes one after the other. In between, requests get a
    502 when the URL is BUFFERED and the version streams; the other way round they would see the raw JSON of the answer, with
    status 200, headers and cookies in the page. So the mode is set last when streaming begins, and first when it ends.

    A URL that is to be closed is closed before the new version is behind it, and one that is to be opened after that.
    """
    name, alias = desired.names.function, observed.alias
    mode: list[Step] = []
    if observed.url is not None and observed.url.mode != desired.mode:
        mode = [steps.UpdateUrl(name, ALIAS, mode=desired.mode)]
    closing = _closing(desired, observed)
    if alias is not None and is_as_desired(observed.live, desired):
        if alias.weights:
            return _whole(desired, observed, closing + mode)
        return Part((*closing, *mode), (PlannedLine("keep", f"version {alias.version}", f"{ALIAS} points at it"),))
    previous = alias.version if alias else ""
    point: list[Step] = [steps.PointAlias(name, ALIAS, previous, alias.revision if alias else "")]
    canary = _canary(desired, observed)
    todo: list[Step] = [
        steps.PublishVersion(name, desired.settings, desired.code, desired.names.log_group),
        steps.CheckVersion(name, desired.settings, desired.strict, desired.mode, desired.auth),
        *closing,
        *canary.steps,
        *(point + mode if desired.mode == STREAMED else mode + point),
    ]
    check = PlannedLine("check", "new version", f"must answer GET / before it goes {ALIAS}")
    before = f"version {previous}{f' ({shares(alias)})' if alias and alias.weights else ''}"
    move = f"{before} -> the new one" if previous else "the new version"
    lines = (check, *canary.lines, PlannedLine("update" if previous else "create", f"alias {ALIAS}", move))
    return Part(tuple(todo), lines)


def _closing(desired: Desired, observed: Observed) -> list[Step]:
    if observed.url is not None and observed.url.auth == PUBLIC != desired.auth:
        return [steps.UpdateUrl(desired.names.function, ALIAS, desired.auth)]
    return []


def _canary(desired: Desired, observed: Observed) -> Part:
    """Raises UsageError where two versions cannot be behind one URL."""
    canary, alias, url = desired.canary, observed.alias, observed.url
    if canary is None:
        return Part()
    why = because("canary", desired.origins)
    if alias is None or url is None:
        return Part(lines=(PlannedLine("check", "no canary", f"there is no other version that answers yet{why}"),))
    if url.mode != desired.mode:
        what = f"a canary cannot go along with streaming that is switched {'on' if desired.mode == STREAMED else 'off'}"
        hint = "its URL has one mode for both versions: --canary none this once"
        raise UsageError(what, where=desired.origins.get("canary", "canary"), hint=hint)
    step = steps.Try(desired.names.function, ALIAS, canary, desired.names.log_group, alias.version, alias.revision)
    return Part((step,), (PlannedLine("check", f"canary {canary}", f"then all requests, if its log shows no errors{why}"),))


def shares(alias: Alias) -> str:
    """The part of the traffic that goes elsewhere: a canary that was broken off, or one that somebody watches still."""
    told = ", ".join(f"{share * 100:g} % to version {version}" for version, share in alias.weights)
    return f"{told} by a canary that is under way or was broken off"


def _whole(desired: Desired, observed: Observed, before: list[Step]) -> Part:
    """A share of the traffic still goes to another version: the live one gets all of it again."""
    alias = observed.alias
    assert alias is not None
    line = PlannedLine("update", f"alias {ALIAS}", f"all to version {alias.version}; until now {shares(alias)}")
    return Part((*before, steps.MoveAlias(desired.names.function, ALIAS, alias.version, alias.revision)), (line,))


def provisioned(desired: Desired, observed: Observed, moves: bool) -> Part:
    """They hang on the alias, and follow it: AWS makes new ones for the version it `moves` to, which meanwhile starts as any
    other does. They cannot be warm before that: AWS refuses such an alias a version that has some of its own.
    """
    now = observed.provisioned.requested if observed.provisioned else None
    if now == desired.provisioned and not (observed.provisioned and observed.provisioned.status == "FAILED"):
        return Part((steps.AwaitProvisioned(desired.names.function, ALIAS),)) if now and moves else Part()
    verb = "create" if now is None else "update"
    change = f"{now or 'none'} -> {desired.provisioned or 'none'}{because('provisioned_concurrency', desired.origins)}"
    step = steps.Provision(desired.names.function, ALIAS, desired.provisioned)
    return Part((step,), (PlannedLine(verb, "provisioned concurrency", change),))


def pruned(desired: Desired, observed: Observed, publishes: bool) -> Part:
    """The versions to forget: all but the newest `keep`, and never one that has traffic or an alias of the user's own.

    Two at least are kept: the one before had the traffic until now, and a rerun is to find nothing to do.
    """
    busy = {observed.alias.version, *(version for version, _ in observed.alias.weights)} if observed.alias else set()
    made = publishes and not is_as_desired(observed.newest, desired)  # else one that was broken off has made it
    keep = max(desired.keep_versions, 2)
    old = tuple(version for version in observed.versions[: -(keep - made)] if version not in busy | observed.elsewhere)
    if not old:
        return Part()
    told = f"{len(old)} of {len(observed.versions)}, the newest {keep} stay"
    gone = unneeded(desired, observed, old)
    return Part((steps.DeleteVersions(desired.names.function, old), *gone), (PlannedLine("delete", "old versions", told),))
