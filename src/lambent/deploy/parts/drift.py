"""What somebody changed by hand since the last deploy: shown, and why it stays or is set back. Pure.

No state is kept anywhere, so this can only be what contradicts itself in AWS: $LATEST against the newest version, the URL
against its permissions, the role against what lambent gives each. A single value that was set by hand (the days that logs are
kept) looks like one that the configuration has changed since.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambent.aws.values import BUFFERED, STREAMED, Settings, Statement
from lambent.deploy.desired import PUBLIC, PUBLIC_STATEMENTS, Desired
from lambent.deploy.moves import last
from lambent.deploy.observed import Observed
from lambent.deploy.parts.function import changed, is_as_desired
from lambent.deploy.parts.traffic import shares
from lambent.deploy.statements import base, right
from lambent.events import PlannedLine
from lambent.names import ALIAS, INVOKE_STATEMENT, URL_STATEMENT, Names


def drift(desired: Desired, observed: Observed) -> tuple[PlannedLine, ...]:
    """The lines of a deploy's plan: what is observed alone, what `desired` tells apart, and what becomes of it."""
    if observed.latest is None:
        return ()
    told = list(_by_hand(desired.names, observed))
    if desired.own_role:
        told += _policies(desired, observed)
    if is_as_desired(observed.latest, desired):
        told = [line for line in told if line.what != _latest_name(desired.names)]  # a deploy that was broken off
    return tuple(told)


def by_hand(names: Names, observed: Observed) -> tuple[PlannedLine, ...]:
    """What can be told without a configuration: for `status`. A plan has an alias that is not there, and a canary, in the lines
    of what it does about them.
    """
    return (*(PlannedLine("drift", f"alias {ALIAS}", told) for told in _unfinished(observed)), *_by_hand(names, observed))


def _unfinished(observed: Observed) -> Iterator[str]:
    if observed.alias is None and observed.latest is not None:
        newest = f"version {observed.newest.version} was published, and none is live" if observed.newest else "no version is"
        yield f"is not there: {newest}; lambent deploy goes on from here"
    elif observed.alias is not None and observed.alias.weights:
        yield shares(observed.alias)


def _by_hand(names: Names, observed: Observed) -> tuple[PlannedLine, ...]:
    traffic = (*_alias(observed), *_statements(observed), *_url(observed), *_past_the_alias(observed))
    lines = (*_latest(names, observed), *traffic, *_role(names, observed))
    return tuple(PlannedLine("drift", what, detail) for what, detail in lines)


def _latest_name(names: Names) -> str:
    return f"function {names.function}"


Lines = Iterator[tuple[str, str]]


def _latest(names: Names, observed: Observed) -> Lines:
    """$LATEST is what the newest version was made from, unless somebody wrote to it."""
    latest, newest = observed.latest, observed.newest
    if latest is None or newest is None:
        return
    differences = changed(newest.settings, latest.settings, {})
    if latest.sha256 != newest.sha256:
        differences.insert(0, f"other code ({latest.sha256[:8]})")
    if latest.architecture != newest.architecture:
        differences.append(f"architecture {newest.architecture} -> {latest.architecture}")
    if differences:
        yield (
            _latest_name(names),
            f"$LATEST is not as version {newest.version}: {', '.join(differences)}; only a deploy makes that live",
        )


def _alias(observed: Observed) -> Lines:
    if observed.alias is not None and observed.newest is not None:
        newest, live = observed.newest.version, observed.alias.version
        if newest not in (live, *dict(observed.alias.weights)):
            move = last(observed.alias)
            why = f"version {move.since} was taken back" if move and move.back else "moved by hand, or that one failed"
            yield f"alias {ALIAS}", f"points at version {live}, not at {newest}, the newest: {why}"


def _statements(observed: Observed) -> Lines:
    for statement in observed.statements:
        if not base(statement.sid):
            yield f"permission {statement.sid}", f"{allows(statement)}: lambent did not make it, and it stays"
        elif not any(right(statement, each) for each in PUBLIC_STATEMENTS):
            yield f"permission {statement.sid}", f"not as lambent made it: {allows(statement)}"


def allows(statement: Statement) -> str:
    """What a statement says, in words."""
    whom = "anyone" if statement.principal == "*" else statement.principal
    through = (
        f" of URLs with auth {statement.url_auth}" if statement.url_auth else " through a URL" if statement.via_url else ""
    )
    limits = f", if {statement.limits}" if statement.limits else ""
    return f"{whom} may{' not' * (statement.effect == 'Deny')} {statement.action}{through}{limits}"


def _url(observed: Observed) -> Lines:
    """Statements and URL are made together, and so are the URL's mode and what the version's runtime is told."""
    url = observed.url
    if url is None:
        return
    ids = {base(statement.sid) for statement in observed.statements}
    open_to_all = {URL_STATEMENT, INVOKE_STATEMENT} <= ids
    if url.auth != PUBLIC and open_to_all:
        yield f"URL {url.address}", f"takes signed requests only ({url.auth}), though its permissions let everybody in"
    elif url.auth == PUBLIC and not open_to_all:
        missing = " and ".join(sid for sid in (URL_STATEMENT, INVOKE_STATEMENT) if sid not in ids)
        yield f"URL {url.address}", f"is public, but the permission {missing} is not there: it answers 403"
    if observed.live is not None and url.mode != mode_of(observed.live.settings):
        yield (
            f"URL {url.address}",
            f"its mode is {url.mode}, and the live version answers for {mode_of(observed.live.settings)}",
        )


def mode_of(settings: Settings) -> str:
    """What the runtime in that version's zip was told: see `package.build.STREAM`."""
    return STREAMED if dict(settings.environment).get("LAMBENT_RESPONSE") == "stream" else BUFFERED


def _past_the_alias(observed: Observed) -> Lines:
    """What was hung on $LATEST itself: requests that come that way see code before it was checked."""
    if observed.latest_url is not None:
        url = observed.latest_url
        yield (
            f"URL {url.address}",
            f"leads to $LATEST, past {ALIAS}, with auth {url.auth}: lambent did not make it, and it stays",
        )
    for statement in observed.latest_statements:
        yield f"permission {statement.sid}", f"{allows(statement)} on $LATEST: lambent did not make it, and it stays"


def _role(names: Names, observed: Observed) -> Lines:
    if observed.role is not None and not observed.role.trusts_lambda:
        yield f"role {names.role}", "its trust policy does not let Lambda assume it"
    if observed.role is not None:
        for policy in observed.inside:
            yield f"role {names.role}", f"the policy {policy} is in it: lambent did not put it there, and it stays"


def _policies(desired: Desired, observed: Observed) -> list[PlannedLine]:
    """Somebody may rely on them: they are shown, and stay."""
    return [
        PlannedLine("drift", f"role {desired.names.role}", f"{arn} is attached and not in policies: it stays")
        for arn in observed.attached
        if arn not in desired.policies
    ]
