"""Which version gets the traffic: publish, check, move the alias. Pure."""

from __future__ import annotations

from lambent.aws.values import STREAMED
from lambent.deploy.desired import PUBLIC, Desired
from lambent.deploy.observed import Observed
from lambent.deploy.resources.alias import PointAlias, describe_shares
from lambent.deploy.resources.canary import plan_canary
from lambent.deploy.resources.function import is_as_desired
from lambent.deploy.resources.url import UpdateUrl
from lambent.deploy.resources.version import CheckVersion, PublishVersion
from lambent.deploy.step import PlanPart, Step
from lambent.events import PlannedLine
from lambent.names import ALIAS


def plan_traffic(desired: Desired, observed: Observed) -> PlanPart:
    """Plan the new version's way to its traffic.

    The URL's mode must be that of the version behind it, and AWS changes one after the other. In between, requests get a 502 if
    the URL is BUFFERED and the version streams. The other way round, they would see the raw JSON of the response, with status
    200, headers and cookies in the page. So the mode is set last when streaming begins, and first when it ends.

    A URL that becomes private is closed before the new version is behind it. One that becomes public is opened after that.
    """
    name, alias = desired.names.function, observed.alias
    set_mode: list[Step] = []
    if observed.url is not None and observed.url.mode != desired.mode:
        set_mode = [UpdateUrl(name, ALIAS, mode=desired.mode)]
    close: list[Step] = []
    if observed.url is not None and observed.url.auth == PUBLIC != desired.auth:
        close = [UpdateUrl(name, ALIAS, desired.auth)]
    previous, revision = (alias.version, alias.revision) if alias else ("", "")
    if alias is not None and is_as_desired(observed.live, desired):
        if not alias.weights:
            return PlanPart((*close, *set_mode), (PlannedLine("keep", f"version {alias.version}", f"{ALIAS} points to it"),))
        end_canary = PointAlias(name, ALIAS, previous, revision, version=alias.version)
        detail = f"all traffic to version {alias.version}; until now {describe_shares(alias)}"
        return PlanPart((*close, *set_mode, end_canary), (PlannedLine("update", f"alias {ALIAS}", detail),))
    point: list[Step] = [PointAlias(name, ALIAS, previous, revision)]
    canary = plan_canary(desired, observed)
    steps: list[Step] = [
        PublishVersion(name, desired.settings, desired.code, desired.names.log_group),
        CheckVersion(name, desired.settings, desired.strict, desired.mode, desired.auth),
        *close,
        *canary.steps,
        *(point + set_mode if desired.mode == STREAMED else set_mode + point),
    ]
    check = PlannedLine("check", "new version", f"must respond to GET / before it becomes {ALIAS}")
    shares = f" ({describe_shares(alias)})" if alias and alias.weights else ""
    move = f"version {previous}{shares} -> the new version" if previous else "the new version"
    return PlanPart(
        tuple(steps), (check, *canary.lines, PlannedLine("update" if previous else "create", f"alias {ALIAS}", move))
    )
