"""What someone changed by hand since the last deploy, and what becomes of it. Pure.

What a deploy with lambent has left behind (a version that failed, one that was taken back) isn't drift. lambent keeps no state,
so drift can only be what contradicts itself in AWS: $LATEST and the newest version, the URL and its
permissions, the role and the policies that lambent gives every role. A single value that was set by hand (how long logs are
kept) looks like one that the configuration has changed since.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambent.aws.values import Alias
from lambent.deployment.alias_history import last_move
from lambent.deployment.desired import PUBLIC, PUBLIC_STATEMENTS, Desired
from lambent.deployment.observed import Observed
from lambent.deployment.resources.alias import describe_shares
from lambent.deployment.resources.function import is_as_desired
from lambent.deployment.resources.function_settings import changed, url_mode
from lambent.deployment.resources.permission import describe, matches, own_id
from lambent.events import PlannedLine
from lambent.names import ALIAS, INVOKE_STATEMENT, URL_STATEMENT, Names

_NOT_OURS = "lambent didn't create it and leaves it alone"


def plan_drift(desired: Desired, observed: Observed) -> tuple[PlannedLine, ...]:
    """Return the lines of a deploy's plan: drift that AWS alone shows, drift from `desired`, and what becomes of it."""
    if observed.latest is None:
        return ()
    lines = list(status_drift(desired.names, observed))
    if desired.own_role:
        lines += _policies(desired, observed)
    if is_as_desired(observed.latest, desired):  # an interrupted deploy wrote to $LATEST
        lines = [line for line in lines if line.what != _function(desired.names)]
    return tuple(lines)


def status_drift(names: Names, observed: Observed) -> tuple[PlannedLine, ...]:
    """Return the drift that shows without a configuration, as in `status`."""
    traffic = (*_alias(observed), *_statements(observed), *_url(observed), *_past_the_alias(observed))
    lines = (*_latest(names, observed), *traffic, *_role(names, observed))
    return tuple(PlannedLine("drift", what, detail) for what, detail in lines)


def unfinished(observed: Observed) -> str:
    """Return what the last deploy has left to do, for `status`. In a plan, the steps that do it have lines of their own."""
    if observed.alias is not None:
        return describe_shares(observed.alias) if observed.alias.weights else _failed_since(observed, observed.alias)
    if observed.latest is None:
        return ""
    if observed.unchecked is not None:
        version = observed.unchecked.version
        outcome = "failed its check" if version in observed.failed else "is published, but hasn't passed its check"
        state = f"no one can call it: version {version} {outcome}"
    elif observed.newest is not None:
        state = f"{ALIAS} is missing: version {observed.newest.version} is published but not live"
    else:
        state = f"{ALIAS} is missing: no version is published"
    return f"{state}; lambent deploy continues from here"


def _failed_since(observed: Observed, alias: Alias) -> str:
    """Return that newer versions than the live one failed their check, "" if none did."""
    newer = [name for name in observed.versions if alias.version.isdigit() and int(name) > int(alias.version)]
    failed = [name for name in newer if name in observed.failed]
    if not failed or failed[-1] != newer[-1]:
        return ""
    return f"version {failed[-1]} failed its check, so version {alias.version} is still live"


Lines = Iterator[tuple[str, str]]


def _function(names: Names) -> str:
    return f"function {names.function}"


def _latest(names: Names, observed: Observed) -> Lines:
    """$LATEST is what the newest version was made from, unless someone wrote to it."""
    latest, newest = observed.latest, observed.newest
    if latest is None or newest is None:
        return
    differences = changed(newest.settings, latest.settings, {})
    if latest.sha256 != newest.sha256:
        differences.insert(0, f"other code ({latest.sha256[:8]})")
    if latest.architecture != newest.architecture:
        differences.append(f"architecture {newest.architecture} -> {latest.architecture}")
    if differences:
        detail = f"$LATEST differs from version {newest.version}: {', '.join(differences)}; only a deploy makes that live"
        yield _function(names), detail


def _alias(observed: Observed) -> Lines:
    if observed.alias is not None and observed.newest is not None:
        newest, live = observed.newest.version, observed.alias.version
        move = last_move(observed.alias)
        is_own = newest in observed.failed or (move is not None and move.back)
        if newest not in (live, *dict(observed.alias.weights)) and not is_own:
            why = "that version was published by hand, or its deploy was interrupted" if move else "moved by hand"
            yield f"alias {ALIAS}", f"points to version {live}, not to {newest}, the newest: {why}"


def _statements(observed: Observed) -> Lines:
    for statement in observed.statements:
        if not own_id(statement.sid):
            yield f"permission {statement.sid}", f"{describe(statement)}: {_NOT_OURS}"
        elif not any(matches(statement, expected) for expected in PUBLIC_STATEMENTS):
            yield f"permission {statement.sid}", f"changed by hand: {describe(statement)}"


def _url(observed: Observed) -> Lines:
    """A deploy sets the statements and the URL together, and so it does the URL's mode and that of the version's runtime."""
    url = observed.url
    if url is None:
        return
    ids = {own_id(statement.sid) for statement in observed.statements}
    is_open = {URL_STATEMENT, INVOKE_STATEMENT} <= ids
    if url.auth != PUBLIC and is_open:
        yield f"URL {url.address}", f"accepts only signed requests ({url.auth}), although its permissions allow everyone"
    elif url.auth == PUBLIC and not is_open:
        missing = " and ".join(sid for sid in (URL_STATEMENT, INVOKE_STATEMENT) if sid not in ids)
        yield f"URL {url.address}", f"is public, but the permission {missing} is missing: it responds with 403"
    if observed.live is not None and url.mode != url_mode(observed.live.settings):
        yield f"URL {url.address}", f"its mode is {url.mode}, but the live version needs {url_mode(observed.live.settings)}"


def _past_the_alias(observed: Observed) -> Lines:
    """A URL or permission of $LATEST itself: requests that come that way reach code that wasn't checked."""
    if observed.latest_url is not None:
        url = observed.latest_url
        yield f"URL {url.address}", f"leads to $LATEST instead of {ALIAS}, with auth {url.auth}: {_NOT_OURS}"
    for statement in observed.latest_statements:
        yield f"permission {statement.sid}", f"{describe(statement)} on $LATEST: {_NOT_OURS}"


def _role(names: Names, observed: Observed) -> Lines:
    if observed.role is None:
        return
    if not observed.role.trusts_lambda:
        yield f"role {names.role}", "its trust policy doesn't let Lambda assume it"
    for policy in observed.foreign_policies:
        yield f"role {names.role}", f"the policy {policy} is in it: {_NOT_OURS}"


def _policies(desired: Desired, observed: Observed) -> list[PlannedLine]:
    """Someone may rely on them, so they are shown and not detached."""
    return [
        PlannedLine("drift", f"role {desired.names.role}", f"{arn} is attached, but not in policies: lambent leaves it alone")
        for arn in observed.attached
        if arn not in desired.policies
    ]
