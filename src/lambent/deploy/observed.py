"""What is there: describe calls only, at the same time, so that looking takes about one round trip."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from lambent.aws.interface import Aws
from lambent.aws.values import Alias, Function, LogGroup, Pairs, Provisioned, Role, Statement, Url
from lambent.errors import DeployError
from lambent.names import ALIAS, POLICY, Names
from lambent.package.artifact import OVERFLOW

_POLL_FIRST_S = 0.05
_POLL_MOST_S = 1.0  # as the waiters function_active_v2 and function_updated_v2 do


class Observed(Struct, frozen=True):
    """One app as it is. `latest` is $LATEST, `live` the version behind the alias; `versions` go from old to new, and `newest`
    is the last of them; those in `elsewhere` are behind aliases of the user's own. `archives` are pairs of a version and the
    place of the packages that it fetches; `stored` says whether those of the version to come are there.

    Never lambent's are the policies `inside` the role, by name, the aliases `beside`, and what hangs on $LATEST itself:
    `latest_url` and `latest_statements`.
    """

    role: Role | None = None
    attached: tuple[str, ...] = ()
    latest: Function | None = None
    alias: Alias | None = None
    elsewhere: frozenset[str] = frozenset()
    live: Function | None = None
    statements: tuple[Statement, ...] = ()
    url: Url | None = None
    inline: str = ""
    log_group: LogGroup | None = None
    provisioned: Provisioned | None = None
    versions: tuple[str, ...] = ()
    newest: Function | None = None
    archives: Pairs = ()
    stored: bool = False
    inside: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    latest_url: Url | None = None
    latest_statements: tuple[Statement, ...] = ()


def observe(aws: Aws, app: str, settle_s: float) -> tuple[Names, Observed]:
    """Looks at everything of this app; waits at most `settle_s` for a change under way (another deploy) to end."""
    names, observed = _look(aws, app)
    while observed.latest is not None and not observed.latest.settled:
        settled(aws, names.function, "", settle_s)
        names, observed = _look(aws, app)
    return names, observed


def _look(aws: Aws, app: str) -> tuple[Names, Observed]:
    # The names that are needed to ask are the same in every account, so that the account can be asked for meanwhile.
    unplaced = Names(app, "", aws.region)
    function = unplaced.function
    with ThreadPoolExecutor(15) as pool:
        account = pool.submit(aws.account)
        role = pool.submit(aws.role, unplaced.role)
        attached = pool.submit(aws.attached_policies, unplaced.role)
        latest = pool.submit(aws.function, function)
        aliases = pool.submit(aws.aliases, function)
        live = pool.submit(aws.function, function, ALIAS)
        statements = pool.submit(aws.statements, function, ALIAS)
        url = pool.submit(aws.url, function, ALIAS)
        inline = pool.submit(aws.inline_policy, unplaced.role, POLICY)
        log_group = pool.submit(aws.log_group, unplaced.log_group)
        provisioned = pool.submit(aws.provisioned, function, ALIAS)
        versions = pool.submit(aws.versions, function)
        inside = pool.submit(aws.inline_policies, unplaced.role)
        latest_url = pool.submit(aws.url, function, "")
        latest_statements = pool.submit(aws.statements, function, "")
    names = Names(app, account.result(), aws.region)
    observed = Observed(
        role=role.result(),
        attached=attached.result(),
        latest=latest.result(),
        alias=next((each for each in aliases.result() if each.name == ALIAS), None),
        elsewhere=_behind(each for each in aliases.result() if each.name != ALIAS),
        beside=tuple(each.name for each in aliases.result() if each.name != ALIAS),
        live=live.result(),
        statements=statements.result(),
        url=url.result(),
        latest_url=latest_url.result() if _differ(latest_url.result(), url.result()) else None,
        latest_statements=latest_statements.result(),
        inside=tuple(each for each in inside.result() if each != POLICY),
        inline=inline.result(),
        log_group=log_group.result(),
        provisioned=provisioned.result(),
        versions=tuple(each.version for each in versions.result()),
        newest=next(reversed(versions.result()), None),
        archives=tuple(
            (each.version, place) for each in versions.result() if (place := dict(each.settings.environment).get(OVERFLOW))
        ),
    )
    return names, observed


def _differ(one: Url | None, other: Url | None) -> bool:
    """moto has one URL for a function, whatever the qualifier."""
    return one is not None and (other is None or one.address != other.address)


def _behind(aliases: Iterable[Alias]) -> frozenset[str]:
    """The versions that these aliases point at."""
    return frozenset(version for each in aliases for version in (each.version, *(name for name, _ in each.weights)))


def settled(aws: Aws, name: str, qualifier: str, within_s: float) -> Function | None:
    """The function once nothing is under way on it; None if there is none.

    Raises DeployError when that takes longer than `within_s` seconds.
    """
    function: Function | None = None

    def quiet() -> bool:
        nonlocal function
        function = aws.function(name, qualifier)
        return function is None or function.settled

    if not wait_until(quiet, within_s):
        of = f"version {qualifier} of {name}" if qualifier else name
        state = f": {function.reason}" if function is not None and function.reason else ""
        what = f"AWS is still at work on {of} after {within_s:.0f} s{state}"
        raise DeployError(what, where=name, hint="run the same command again: it goes on from here")
    return function


def wait_until(happened: Callable[[], bool], within_s: float) -> bool:
    """Asks again and again, soon at first and then every second; false when the time is up."""
    end = time.monotonic() + within_s
    pause = _POLL_FIRST_S
    while not happened():
        if time.monotonic() >= end:
            return False
        time.sleep(min(pause, max(end - time.monotonic(), 0)))
        pause = min(pause * 1.5, _POLL_MOST_S)
    return True
