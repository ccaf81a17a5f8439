"""Which version gets the traffic: publish, check, move the alias. Pure."""

from __future__ import annotations

from lambent.aws.values import STREAMED, Alias
from lambent.deployment.desired import PUBLIC, Desired
from lambent.deployment.observed import Observed
from lambent.deployment.resources.alias import CreateAlias, PointAlias, describe_shares
from lambent.deployment.resources.canary import plan_canary
from lambent.deployment.resources.function import is_as_desired
from lambent.deployment.resources.url import UpdateUrl, current_url, opens, plan_new_url
from lambent.deployment.resources.version import CheckVersion, PublishVersion, plan_check
from lambent.deployment.step import PlanPart, Step
from lambent.events import PlannedLine
from lambent.names import ALIAS


def plan_traffic(desired: Desired, observed: Observed) -> PlanPart:
    """Plan the new version's way to its traffic.

    The check needs the URL's host name, and a URL needs the alias. So for a first version both exist before the check, but the
    URL is closed, and the alias says that its version isn't checked yet.

    The URL's mode must be that of the version behind it, and AWS changes one after the other. In between, requests get a 502 if
    the URL is BUFFERED and the version streams. The other way round, they would see the raw JSON of the response, with status
    200, headers and cookies in the page. So the mode is set last when streaming begins, and first when it ends.

    A URL that becomes private is closed before the new version is behind it. One that becomes public is opened after that.
    """
    name, alias, url = desired.names.function, observed.alias, current_url(desired, observed)
    set_mode: list[Step] = [UpdateUrl(name, ALIAS, mode=desired.mode)] if url.mode != desired.mode else []
    close: list[Step] = [UpdateUrl(name, ALIAS, desired.auth)] if url.auth == PUBLIC != desired.auth else []
    if alias is not None and is_as_desired(observed.live, desired):
        return _keep_version(desired, observed, alias, [*close, *set_mode])
    check = plan_check(_check_version(desired), has_url=desired.has_url)
    current = alias or observed.unchecked
    create_alias: tuple[Step, ...] = () if current else (CreateAlias(name, ALIAS),)
    before_check = (*create_alias, *plan_new_url(desired, observed), *check.steps)
    if observed.url is not None:  # if someone has deleted the alias, its URL may be open as soon as there is one again
        before_check = (*check.steps, *create_alias)
    revision = current.revision if current else ""
    point: list[Step] = [PointAlias(name, ALIAS, alias.version if alias else "", revision)]
    canary = plan_canary(desired, observed)
    steps: list[Step] = [
        PublishVersion(name, desired.settings, desired.code, desired.names.log_group, desired.description),
        *before_check,
        *close,
        *canary.steps,
        *(point + set_mode if desired.mode == STREAMED else set_mode + point),
    ]
    shares = f" ({describe_shares(alias)})" if alias and alias.weights else ""
    move = f"version {alias.version}{shares} -> the new version" if alias else "the new version"
    verb = "update" if current else "create"
    return PlanPart(tuple(steps), (*check.lines, *canary.lines, PlannedLine(verb, f"alias {ALIAS}", move, routine=True)))


def _check_version(desired: Desired, version: str = "") -> CheckVersion:
    return CheckVersion(desired.names.function, desired.settings, desired.strict, desired.mode, desired.auth, version)


def _keep_version(desired: Desired, observed: Observed, alias: Alias, url_steps: list[Step]) -> PlanPart:
    """Plan to leave the alias where it is. Its version is checked if the URL is new, or is about to be opened to everyone."""
    name = desired.names.function
    steps: list[Step] = [*plan_new_url(desired, observed)]
    lines: list[PlannedLine] = []
    if desired.has_url and (observed.url is None or opens(desired, observed)):
        check = plan_check(_check_version(desired, alias.version), has_url=True, before="before anyone may call the URL")
        steps += check.steps
        lines += check.lines
    steps += url_steps
    if not alias.weights:
        lines.append(PlannedLine("keep", f"version {alias.version}", f"{ALIAS} points to it"))
        return PlanPart(tuple(steps), tuple(lines))
    steps.append(PointAlias(name, ALIAS, alias.version, alias.revision, version=alias.version))
    detail = f"all traffic to version {alias.version}; until now {describe_shares(alias)}"
    return PlanPart(tuple(steps), (*lines, PlannedLine("update", f"alias {ALIAS}", detail, routine=True)))
