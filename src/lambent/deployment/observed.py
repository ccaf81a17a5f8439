"""What exists in AWS: only reads, all at the same time, so that they take about one round trip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lambent.aws.interface import Aws
from lambent.aws.values import Alias, Function, LogGroup, Pairs, Provisioned, Role, Settings, Statement, Url
from lambent.config.live_environment import FLAG_VARIABLES, user_variables
from lambent.deployment.alias_history import is_unchecked
from lambent.deployment.failed_versions import failed_versions
from lambent.deployment.polling import wait_settled
from lambent.names import ADOPTED, ALIAS, POLICY, TAG_MANAGED, TAG_ORIGIN, Names
from lambent.package.artifact import OVERFLOW

READ_ACTIONS = (
    *("lambda:GetFunction", "lambda:ListTags", "lambda:ListAliases", "lambda:GetPolicy", "lambda:GetFunctionUrlConfig"),
    *("lambda:GetProvisionedConcurrencyConfig", "lambda:ListVersionsByFunction", "logs:DescribeLogGroups"),
    *("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"),
)
"""The IAM actions that observing needs. GetFunction shows tags, by which lambent knows its own, only with ListTags."""


class Observed(Struct, frozen=True):
    """One app as it exists.

    `latest` is $LATEST, and `live` is the version behind the alias. An alias whose version has never passed its check is
    `unchecked`, and then `alias` and `live` are None: no one can reach it. `versions` go from old to new, and `newest` is the
    last of them. `archives` pairs a version with the location of the packages that it fetches; `packages_uploaded` says
    whether those of the next version are there.

    The rest isn't lambent's: `foreign_aliases` and the `versions_of_other_aliases` behind them, the `foreign_policies` inside
    the role, by name, and what belongs to $LATEST itself, `latest_url` and `latest_statements`.
    """

    role: Role | None = None
    attached: tuple[str, ...] = ()
    latest: Function | None = None
    alias: Alias | None = None
    unchecked: Alias | None = None
    versions_of_other_aliases: frozenset[str] = frozenset()
    live: Function | None = None
    statements: tuple[Statement, ...] = ()
    url: Url | None = None
    inline: str = ""
    log_group: LogGroup | None = None
    provisioned: Provisioned | None = None
    versions: tuple[str, ...] = ()
    newest: Function | None = None
    archives: Pairs = ()
    packages_uploaded: bool = False
    foreign_policies: tuple[str, ...] = ()
    foreign_aliases: tuple[str, ...] = ()
    latest_url: Url | None = None
    latest_statements: tuple[Statement, ...] = ()

    @property
    def failed(self) -> frozenset[str]:
        """The versions that failed their check."""
        return failed_versions(self.latest.tags) if self.latest else frozenset()


def live_settings(aws: Aws, app: str, identities: Iterable[str]) -> Settings | None:
    """Return the settings of the version that is live, or of the function if none is.

    None if it doesn't exist, or comes from another project. All variables of a function that was adopted, and not deployed
    since, count as set by flags: they are only there.
    """
    function = Names(app, "", aws.region).function
    latest = aws.function(function)
    origin = dict(latest.tags).get(TAG_ORIGIN, "") if latest else ""
    if latest is None or (origin and origin not in identities):
        return None
    settings = (aws.function(function, ALIAS) or latest).settings
    if dict(latest.tags).get(TAG_MANAGED) != ADOPTED:
        return settings
    own = " ".join(user_variables(dict(settings.environment)))
    return replace(settings, environment=(*settings.environment, (FLAG_VARIABLES, own)))


def deployed_name(aws: Aws, name: str, former: str, identities: Iterable[str]) -> str:
    """Return the name of a project's app: `former` if it is deployed under that name and not under the one it gets now."""
    own = set(identities)

    def is_own(app: str) -> bool:
        function = aws.function(Names(app, "", aws.region).function)
        return function is not None and dict(function.tags).get(TAG_ORIGIN) in own

    return former if former and own and is_own(former) and not is_own(name) else name


def has_passed_check(aws: Aws, app: str) -> bool:
    """Return whether an app's live version has passed its check, which that of a failed first deploy hasn't."""
    aliases = aws.aliases(Names(app, "", aws.region).function)
    return not any(alias.name == ALIAS and is_unchecked(alias) for alias in aliases)


def observe(aws: Aws, app: str, settle_s: float) -> tuple[Names, Observed]:
    """Read everything of this app. If a change is in progress (another deploy), wait at most `settle_s` seconds for its end."""
    names, observed = _observe_once(aws, app)
    while observed.latest is not None and not observed.latest.settled:
        wait_settled(aws, names.function, "", settle_s)
        names, observed = _observe_once(aws, app)
    return names, observed


def _observe_once(aws: Aws, app: str) -> tuple[Names, Observed]:
    names = Names(app, "", aws.region)  # those used here are the same in every account
    function = names.function
    with ThreadPoolExecutor(15) as pool:
        account = pool.submit(aws.account)
        futures: dict[str, Future[Any]] = {
            "role": pool.submit(aws.role, names.role),
            "attached": pool.submit(aws.attached_policies, names.role),
            "latest": pool.submit(aws.function, function),
            "aliases": pool.submit(aws.aliases, function),  # after the function: if that is deleted meanwhile, none is updated
            "live": pool.submit(aws.function, function, ALIAS),
            "statements": pool.submit(aws.statements, function, ALIAS),
            "url": pool.submit(aws.url, function, ALIAS),
            "inline": pool.submit(aws.inline_policy, names.role, POLICY),
            "log_group": pool.submit(aws.log_group, names.log_group),
            "provisioned": pool.submit(aws.provisioned, function, ALIAS),
            "versions": pool.submit(aws.versions, function),
            "policies": pool.submit(aws.inline_policies, names.role),
            "latest_url": pool.submit(aws.url, function, ""),
            "latest_statements": pool.submit(aws.statements, function, ""),
        }
    parts = {name: future.result() for name, future in futures.items()}
    if not _differ(parts["latest_url"], parts["url"]):
        parts["latest_url"] = None
    foreign_policies = tuple(name for name in parts.pop("policies") if name != POLICY)
    aliases, live, versions = (parts.pop(name) for name in ("aliases", "live", "versions"))
    observed = _with_versions(Observed(**parts, foreign_policies=foreign_policies), aliases, live, versions)
    return Names(app, account.result(), aws.region), observed


def _with_versions(
    observed: Observed, aliases: Iterable[Alias], live: Function | None, versions: Sequence[Function]
) -> Observed:
    checked, unchecked, foreign_aliases = _sort_aliases(aliases)
    return replace(
        observed,
        alias=checked,
        unchecked=unchecked,
        versions_of_other_aliases=_versions_behind(foreign_aliases),
        foreign_aliases=tuple(alias.name for alias in foreign_aliases),
        live=None if unchecked else live,
        versions=tuple(version.version for version in versions),
        newest=next(reversed(versions), None),
        archives=_archives(versions),
    )


def _sort_aliases(aliases: Iterable[Alias]) -> tuple[Alias | None, Alias | None, list[Alias]]:
    """Return lambent's alias if its version has passed the check, or else in the second place, and those of others."""
    own = next((alias for alias in aliases if alias.name == ALIAS), None)
    foreign = [alias for alias in aliases if alias.name != ALIAS]
    return (None, own, foreign) if own is not None and is_unchecked(own) else (own, None, foreign)


def _differ(url: Url | None, alias_url: Url | None) -> bool:
    """moto has one URL for a function, whatever the qualifier."""
    return url is not None and (alias_url is None or url.address != alias_url.address)


def _versions_behind(aliases: Iterable[Alias]) -> frozenset[str]:
    return frozenset(version for alias in aliases for version in (alias.version, *(name for name, _ in alias.weights)))


def _archives(versions: Iterable[Function]) -> Pairs:
    locations = ((version.version, dict(version.settings.environment).get(OVERFLOW)) for version in versions)
    return tuple((version, location) for version, location in locations if location)
