"""The state of one app, and the list of all apps: read from AWS alone, since nothing is stored elsewhere."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import asdict

from lambent import calendar, status_events
from lambent.aws.interface import Aws
from lambent.aws.values import Function
from lambent.config.provenance import parse
from lambent.deployment.alias_history import is_unchecked
from lambent.deployment.desired import access
from lambent.deployment.drift import status_drift, unfinished
from lambent.deployment.observed import observe
from lambent.deployment.origin import origin_of
from lambent.deployment.plan import made_by_lambent, refuse_foreign_tags
from lambent.deployment.recent_activity import recent_activity
from lambent.names import ALIAS, Names

STATUS_ACTIONS = ("lambda:ListFunctions", "lambda:GetAlias", "logs:FilterLogEvents")
"""The IAM actions that a status needs, on top of those that observing needs."""


def status(app: str, aws: Aws, settle_s: float) -> status_events.Status | None:
    """Return the state of one app, or None if there is no function of that name.

    Raises DeployError if there is one that lambent didn't create.
    """
    names, observed = observe(aws, app, settle_s)
    if observed.latest is None:
        return None
    refuse_foreign_tags(names, observed)
    function = observed.live or observed.latest
    settings, alias, group = function.settings, observed.alias, observed.log_group
    return status_events.Status(
        app=app,
        location=f"account {names.account} in {names.region}",
        url=observed.url.address if observed.url else "",
        access=access(observed.url.auth if observed.url else ""),
        version=alias.version if alias else "",
        published=function.modified,
        versions=len(observed.versions),
        runtime=settings.runtime,
        ends=end_of_runtime(settings.runtime),
        architecture=function.architecture,
        memory_mb=settings.memory_mb,
        timeout_s=settings.timeout_s,
        log_group=group.name if group else "",
        retention_days=group.retention_days if group else None,
        activity=recent_activity(aws, group.name, function, alias) if group else None,
        drift=status_drift(names, observed),
        origin=origin_of(observed.latest.tags),
        unfinished=unfinished(observed),
        **(asdict(parse(function.description)) if alias else {}),
    )


def end_of_runtime(runtime: str) -> str:
    """Return the day on which AWS deprecates the runtime, or ""."""
    entry = calendar.find_runtime(runtime)
    return entry.deprecated.isoformat() if entry and entry.deprecated else ""


def apps(aws: Aws) -> status_events.Apps:
    """Return all apps that lambent deployed to the region.

    Mostly the list of functions is enough: a role with lambent's name shows whose function it is. The tags are read, with one
    call each, only of the other Python functions, since an app may run under a role of the user's own.
    """
    functions = [function for function in aws.functions() if function.settings.runtime.startswith("python")]
    with ThreadPoolExecutor(8) as pool:
        account = pool.submit(aws.account)
        is_app = list(pool.map(lambda function: _is_app(aws, function), functions))
        app_functions = [function for function, own in zip(functions, is_app, strict=True) if own]
        summaries = list(pool.map(lambda function: _summary(aws, function), app_functions))
    return status_events.Apps(f"account {account.result()} in {aws.region}", tuple(sorted(summaries, key=lambda app: app.app)))


def _is_app(aws: Aws, function: Function) -> bool:
    if function.settings.role.endswith(f":role/{Names(function.name, '', aws.region).role}"):
        return True
    tagged = aws.function(function.name)
    return tagged is not None and made_by_lambent(Names(function.name, "", ""), tagged.tags)


def _summary(aws: Aws, function: Function) -> status_events.AppSummary:
    alias, url = aws.alias(function.name, ALIAS), aws.url(function.name, ALIAS)
    return status_events.AppSummary(
        app=function.name,
        url=url.address if url else "",
        access=access(url.auth if url else ""),
        version=alias.version if alias and not is_unchecked(alias) else "",
        runtime=function.settings.runtime,
        memory_mb=function.settings.memory_mb,
        modified=function.modified,
    )
