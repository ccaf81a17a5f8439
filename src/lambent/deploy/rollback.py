"""Back to a version that worked: the alias moves, after the version was asked whether it still answers."""

from __future__ import annotations

import time

from lambent import events
from lambent.aws.interface import Aws
from lambent.aws.values import STREAMED, Function, Settings
from lambent.deploy import steps
from lambent.deploy.apply import PlanIsStale, Run
from lambent.deploy.desired import PUBLIC
from lambent.deploy.means import Means, Patience
from lambent.deploy.moves import described, last
from lambent.deploy.observed import Observed, observe
from lambent.deploy.parts.drift import mode_of
from lambent.deploy.parts.traffic import shares
from lambent.deploy.plan import Plan, refuse_foreign_tags
from lambent.deploy.probe import Ask, ask
from lambent.deploy.rivals import overtaken
from lambent.deploy.steps import Step
from lambent.errors import DeployError, UsageError
from lambent.events import PlannedLine
from lambent.names import ALIAS, Names

_LOOKS = 5


def rollback(
    app: str, version: str, aws: Aws, emit: events.Emit, *, patience: Patience | None = None, ask: Ask = ask
) -> events.Deployed:
    """Makes `version` live, or with "" the one that was so before the last deploy; during a canary, the live one alone. With ""
    it goes back once: until the next deploy another one changes nothing. Returns (and emits) the end.

    Raises UsageError for a version that is not there, DeployError when there is none to go back to, or it does not answer: then
    the live one stays.
    """
    start = time.monotonic()
    patience = patience or Patience()
    run = Run(Means(aws, emit, patience, ask))
    before = ""
    for _ in range(_LOOKS):
        names, observed = observe(aws, app, patience.settle_s)
        refuse_foreign_tags(names, observed)
        now = observed.alias.version if observed.alias else ""
        if before not in ("", now) and not version:  # "the one before" means another one now
            raise overtaken(app, f"moved {ALIAS} to version {now} while this one ran")
        before = now
        to = target(names, observed, version, aws)
        todo = plan(names, observed, to)
        emit(todo.planned)
        if not version and (why := _done_already(observed, to.version)):
            emit(events.Notice(why))
        try:
            run.carry_out(todo)
        except PlanIsStale:
            emit(events.Notice(f"somebody else deploys {app}: looking again"))
            continue
        public = observed.url is not None and observed.url.auth == "NONE"
        done = events.Deployed(run.url, run.version, todo.changes > 0, time.monotonic() - start, public)
        emit(done)
        return done
    raise DeployError(f"{app} keeps being changed by somebody else", where=app, hint="run the same command again")


def target(names: Names, observed: Observed, version: str, aws: Aws) -> Function:
    """The version to go to."""
    if observed.alias is None:
        where = f"account {names.account} in {names.region}"
        raise DeployError(f"no version of {names.app} is live", where=where, hint="lambent deploy")
    there = {each.version: each for each in aws.versions(names.function)}
    if version and version not in there:
        raise UsageError(
            f"{names.app} has no version {version}", where=names.function, hint=f"there are {', '.join(there) or 'none'}"
        )
    if version or observed.alias.weights:  # a canary ends by giving the live version everything
        return there[version or observed.alias.version]
    now, move = observed.alias.version, last(observed.alias)
    if move and move.back and now in there:
        return there[now]  # one that was broken off, or typed twice: it does not go back twice
    if move and move.since in there:
        return there[move.since]
    older = [each for each in there.values() if not now.isdigit() or int(each.version) < int(now)]
    if not older:
        what = f"version {now} is the oldest there is: nothing to go back to"
        raise DeployError(what, where=names.function, hint="lambent versions lists them")
    return older[-1]


def _done_already(observed: Observed, to: str) -> str:
    """Why a rollback without a version changes nothing, and how to go further; "" when it does something."""
    alias = observed.alias
    move = last(alias) if alias and alias.version == to and not alias.weights else None
    if move is None or not move.back:
        return ""
    older = [version for version in observed.versions if int(version) < int(to)]
    further = f"; lambent rollback {older[-1]} goes further" if older else ""
    return f"version {to} is live because version {move.since} was taken back: a rollback undoes one deploy{further}"


def plan(names: Names, observed: Observed, to: Function) -> Plan:
    """Pure. As in a deploy, the URL's mode is set last when streaming begins, and first when it ends."""
    alias, url = observed.alias, observed.url
    assert alias is not None
    mode = mode_of(to.settings)
    strict = _hosts_web_app(to.settings)
    todo: list[Step]
    lines: list[PlannedLine]
    change: list[Step] = []
    if url is not None and url.mode != mode:
        change = [steps.UpdateUrl(names.function, ALIAS, mode=mode)]
    if alias.version == to.version and not alias.weights:
        todo = change  # left over when a rollback was broken off
        lines = [PlannedLine("keep", f"version {to.version}", f"{ALIAS} points at it")]
        lines += [PlannedLine("update", f"URL {url.address}", f"{url.mode} -> {mode}")] if url and change else []
    else:
        since = alias.weights[0][0] if alias.weights and alias.version == to.version else alias.version
        move: list[Step] = [steps.MoveAlias(names.function, ALIAS, to.version, alias.revision, described(to.version, since))]
        beside = f" ({shares(alias)})" if alias.weights else ""
        check = steps.CheckKnownVersion(names.function, to.version, to.settings, strict, mode, url.auth if url else PUBLIC)
        todo = [check, *(move + change if mode == STREAMED else change + move)]
        lines = [
            PlannedLine("check", f"version {to.version}", f"must answer GET / before it goes {ALIAS}"),
            PlannedLine("update", f"alias {ALIAS}", f"version {alias.version}{beside} -> version {to.version}"),
        ]
    if observed.provisioned is not None:  # AWS makes them anew for the version it moves to
        todo = [*todo, steps.AwaitProvisioned(names.function, ALIAS)]
    probe = steps.Probe(names.function, ALIAS, to.settings, strict, mode, url.auth if url else "NONE")
    return Plan(
        names=names,
        steps=(*todo, *((probe,) if url is not None else ())),
        lines=tuple(lines),
        version=alias.version,
        url=url.address if url else "",
        revision=observed.latest.revision if observed.latest else "",
        mode=url.mode if url else "",
    )


def _hosts_web_app(settings: Settings) -> bool:
    """Whether the zip was told to host a web app, and not a bare handler: see `package.build`."""
    said = dict(settings.environment)
    return "LAMBENT_APP" in said or ("AWS_LAMBDA_EXEC_WRAPPER" in said and "LAMBENT_INTERFACE" not in said)
