"""Back to a version that worked: checks that it still responds, then moves the alias."""

from __future__ import annotations

import time

from lambent import events
from lambent.aws.interface import Aws
from lambent.aws.values import STREAMED, Function, Settings
from lambent.deployment.alias_history import describe_move, last_move
from lambent.deployment.apply import apply
from lambent.deployment.context import DeployContext
from lambent.deployment.desired import PUBLIC
from lambent.deployment.observed import Observed, observe
from lambent.deployment.origin import foreign_origin
from lambent.deployment.plan import Plan, refuse_foreign_tags
from lambent.deployment.replan import until_applied
from lambent.deployment.resources.alias import PointAlias, describe_shares
from lambent.deployment.resources.concurrency import AwaitProvisioned
from lambent.deployment.resources.function_settings import url_mode
from lambent.deployment.resources.url import CheckUrl, UpdateUrl
from lambent.deployment.resources.version import CheckVersion, plan_check
from lambent.deployment.step import PlanPart, Step
from lambent.errors import DeployError, OvertakenError, UsageError
from lambent.events import PlannedLine
from lambent.names import ALIAS, Names


def rollback(app: str, version: str, context: DeployContext, identities: tuple[str, ...] = ()) -> events.Deployed:
    """Make `version` live again; "" means the one that was live before the last deploy. Return (and emit) the result.

    During a canary, "" gives all traffic to the live version. With "" it goes back only once: until the next deploy, a repeated
    rollback changes nothing.

    `identities` are those of the project that asks for it.

    Raises UsageError for a version that doesn't exist, or an app of another project; DeployError if there is none to go back
    to or it doesn't respond: then the live version stays.
    """
    return until_applied(app, context.emit, _Attempts(app, version, context, identities).next)


class _Attempts:
    """The attempts of one rollback. They end if someone else moves the alias in between."""

    def __init__(self, app: str, version: str, context: DeployContext, identities: tuple[str, ...]) -> None:
        self._app = app
        self._version = version
        self._context = context
        self._identities = identities
        self._start = time.monotonic()
        self._live = ""

    def next(self) -> events.Deployed:
        """Plan, and apply the plan. Raises PlanIsStale if that has to be done again."""
        names, observed = observe(self._context.aws, self._app, self._context.timing.settle_s)
        self._refuse(names, observed)
        goal = find_version(names, observed, self._version, self._context.aws)
        if goal.version in observed.failed:
            what = f"version {goal.version} failed its check before; it goes live only if it passes now"
            self._context.emit(events.Warned(what, "lambent versions"))
        planned = plan(names, observed, goal)
        self._context.emit(planned.planned)
        if not self._version and (reason := _why_nothing_changes(observed, goal.version)):
            self._context.emit(events.Notice(reason))
        deployment = apply(planned, self._context)
        seconds, public = time.monotonic() - self._start, observed.url is not None and observed.url.auth == PUBLIC
        return events.Deployed(deployment.url, deployment.version, planned.changes > 0, seconds, public)

    def _refuse(self, names: Names, observed: Observed) -> None:
        refuse_foreign_tags(names, observed)
        if origin := foreign_origin(self._identities, observed):
            what = f"{self._app} was deployed from another project: {origin}"
            raise UsageError(what, where="lambent rollback", hint=f"--name {self._app} rolls it back all the same")
        current = observed.alias.version if observed.alias else ""
        if self._live not in ("", current) and not self._version:  # "the previous one" is another one by now
            raise OvertakenError(self._app, f"moved {ALIAS} to version {current} during this rollback")
        self._live = current


def find_version(names: Names, observed: Observed, version: str, aws: Aws) -> Function:
    """Return the version to go back to."""
    if observed.alias is None:
        where = f"account {names.account} in {names.region}"
        raise DeployError(f"no version of {names.app} is live", where=where, hint="run lambent deploy first")
    versions = {function.version: function for function in aws.versions(names.function)}
    if version and version not in versions:
        hint = f"versions that passed their check: {', '.join(_working(observed)) or 'none'}"
        raise UsageError(f"{names.app} has no version {version}", where=names.function, hint=hint)
    if version or observed.alias.weights:  # a canary ends by giving all traffic to the live version
        return versions[version or observed.alias.version]
    live, move = observed.alias.version, last_move(observed.alias)
    if move and move.back and live in versions:
        return versions[live]  # an interrupted rollback, or one typed twice: it doesn't go back twice
    if move and move.since in versions and move.since not in observed.failed:
        return versions[move.since]
    was_first = move is not None and not move.since
    older = [name for name in _working(observed) if not live.isdigit() or int(name) < int(live)]
    if was_first or not older:
        what = f"version {live} is the first one that was live, so there is nothing to go back to"
        if not was_first:
            what = f"no version before {live} has passed its check, so there is nothing to go back to"
        raise DeployError(what, where=names.function, hint="lambent versions lists all versions")
    return versions[older[-1]]


def _working(observed: Observed) -> list[str]:
    """Return the versions that may be recommended, oldest first: those that didn't fail their check."""
    return [name for name in observed.versions if name not in observed.failed]


def _why_nothing_changes(observed: Observed, version: str) -> str:
    """Return why a rollback without a version changes nothing, and how to go further; "" if it does something."""
    alias = observed.alias
    move = last_move(alias) if alias and alias.version == version and not alias.weights else None
    if move is None or not move.back:
        return ""
    older = [name for name in _working(observed) if int(name) < int(version)]
    further = f"; to go further back, run lambent rollback {older[-1]}" if older else ""
    return f"version {version} is live already, because version {move.since} was taken back{further}"


def plan(names: Names, observed: Observed, goal: Function) -> Plan:
    """Return the steps from what is live to another version. Pure."""
    traffic = _plan_traffic(names, observed, goal)
    steps = [*traffic.steps]
    if observed.provisioned is not None:  # AWS starts new environments for the version that the alias moves to
        steps.append(AwaitProvisioned(names.function, ALIAS))
    if observed.url is not None:
        settings = goal.settings
        mode, auth = url_mode(settings), observed.url.auth
        steps.append(CheckUrl(names.function, ALIAS, settings, hosts_web_app(settings), mode, auth))
    return Plan(names=names, observed=observed, steps=tuple(steps), lines=traffic.lines)


def _plan_traffic(names: Names, observed: Observed, goal: Function) -> PlanPart:
    """Plan the move of the alias. As in a deploy, the URL's mode is set last when streaming begins, and first when it ends."""
    alias, url, mode = observed.alias, observed.url, url_mode(goal.settings)
    assert alias is not None
    set_mode: tuple[Step, ...] = ()
    if url is not None and url.mode != mode:
        set_mode = (UpdateUrl(names.function, ALIAS, mode=mode),)
    if alias.version == goal.version and not alias.weights:
        lines = [PlannedLine("keep", f"version {goal.version}", f"{ALIAS} points to it")]
        if url and set_mode:  # an interrupted rollback left it
            lines.append(PlannedLine("update", f"URL {url.address}", f"{url.mode} -> {mode}"))
        return PlanPart(set_mode, tuple(lines))
    since = alias.weights[0][0] if alias.weights and alias.version == goal.version else alias.version
    description = describe_move(goal.version, since)
    point = PointAlias(names.function, ALIAS, alias.version, alias.revision, goal.version, description)
    auth = url.auth if url else PUBLIC
    check_version = CheckVersion(names.function, goal.settings, hosts_web_app(goal.settings), mode, auth, goal.version)
    check = plan_check(check_version, has_url=url is not None)
    shares = f" ({describe_shares(alias)})" if alias.weights else ""
    move = PlannedLine("update", f"alias {ALIAS}", f"version {alias.version}{shares} -> version {goal.version}")
    return PlanPart((*check.steps, *((point, *set_mode) if mode == STREAMED else (*set_mode, point))), (*check.lines, move))


def hosts_web_app(settings: Settings) -> bool:
    """Return whether the zip hosts a web app rather than a bare handler: see `package.build`."""
    environment = dict(settings.environment)
    return "LAMBENT_APP" in environment or ("AWS_LAMBDA_EXEC_WRAPPER" in environment and "LAMBENT_INTERFACE" not in environment)
