"""How an app is, and which apps there are: read from AWS alone, nothing is remembered elsewhere."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from lambent import calendar, events
from lambent.aws.interface import Aws
from lambent.aws.values import Function, Url
from lambent.deploy.desired import PUBLIC
from lambent.deploy.observed import observe
from lambent.deploy.parts.drift import by_hand
from lambent.deploy.plan import made_by_lambent, refuse_foreign_tags
from lambent.names import ALIAS, Names

_MINUTES = 60
_MOST = 1000
_WORTH_HEARING = '?"REPORT RequestId" ?"[ERROR]" ?"Task timed out" ?"Runtime exited" ?"platform.report"'
_FAILED = re.compile(r"^\[ERROR\] (?P<error>\S.*)|(?P<timeout>Task timed out after \S+ seconds)|(?P<exit>Runtime exited.*)")
_STATUS = re.compile(r"\tStatus: (?!success)|\"status\": ?\"(failure|error|timeout)\"")


def status(app: str, aws: Aws, settle_s: float) -> events.Status | None:
    """One app; None if there is no function of that name. Raises DeployError if there is one that lambent did not make."""
    names, observed = observe(aws, app, settle_s)
    if observed.latest is None:
        return None
    refuse_foreign_tags(names, observed)
    shown = observed.live or observed.latest
    settings, alias, group = shown.settings, observed.alias, observed.log_group
    return events.Status(
        app=app,
        location=f"account {names.account} in {names.region}",
        url=observed.url.address if observed.url else "",
        access=access(observed.url),
        version=alias.version if alias else "",
        published=shown.modified,
        versions=len(observed.versions),
        runtime=settings.runtime,
        ends=ends(settings.runtime),
        architecture=shown.architecture,
        memory_mb=settings.memory_mb,
        timeout_s=settings.timeout_s,
        log_group=group.name if group else "",
        retention_days=group.retention_days if group else None,
        activity=_listen(aws, group.name) if group else None,
        drift=by_hand(names, observed),
    )


def access(url: Url | None) -> str:
    """As in `events.Planned`."""
    return "" if url is None else "public" if url.auth == PUBLIC else "signed"


def ends(runtime: str) -> str:
    """The day from which AWS calls the runtime deprecated, or ""."""
    known = calendar.find_runtime(runtime)
    return known.deprecated.isoformat() if known and known.deprecated else ""


def _listen(aws: Aws, group: str) -> events.LogSummary:
    since_ms = int((time.time() - _MINUTES * 60) * 1000)
    return heard([event.text for event in aws.log_events(group, "", since_ms, _WORTH_HEARING, _MOST)])


def heard(lines: Sequence[str]) -> events.LogSummary:
    """What the lines of a log say, in text or JSON. Pure.

    A failure is what Lambda calls one: an exception, a time-out, the end of the process; not an app's answer of 500.
    """
    reports = [line for line in lines if line.startswith("REPORT RequestId") or '"platform.report"' in line]
    failures = [found[found.lastgroup or 0] for found in map(_FAILED.search, lines) if found]
    statuses = sum(_STATUS.search(line) is not None for line in reports)
    cold = sum("Init Duration:" in line or '"initDurationMs"' in line for line in reports)
    last = failures[-1].splitlines()[0][:200] if failures else ""
    return events.LogSummary(_MINUTES, len(reports), cold, max(len(failures), statuses), last, len(lines) >= _MOST)


def apps(aws: Aws) -> events.Apps:
    """All that lambent made in the region.

    One list tells most: a role that bears lambent's name says whose function it is. Only of the other Python functions (an app
    may run under a role of the user's own) the tags are asked for, one call each.
    """
    listed = aws.functions()
    python = [each for each in listed if each.settings.runtime.startswith("python")]
    with ThreadPoolExecutor(8) as pool:
        account = pool.submit(aws.account)
        ours = list(pool.map(lambda each: _is_ours(aws, each), python))
        found = [each for each, is_ours in zip(python, ours, strict=True) if is_ours]
        told = list(pool.map(lambda each: _summary(aws, each), found))
    return events.Apps(f"account {account.result()} in {aws.region}", tuple(sorted(told, key=lambda app: app.app)))


def _is_ours(aws: Aws, function: Function) -> bool:
    if function.settings.role.endswith(f":role/{Names(function.name, '', aws.region).role}"):
        return True
    tagged = aws.function(function.name)
    return tagged is not None and made_by_lambent(Names(function.name, "", ""), tagged.tags)


def _summary(aws: Aws, function: Function) -> events.AppSummary:
    alias, url = aws.alias(function.name, ALIAS), aws.url(function.name, ALIAS)
    settings = function.settings
    version = alias.version if alias else ""
    address = url.address if url else ""
    return events.AppSummary(
        function.name, address, access(url), version, settings.runtime, settings.memory_mb, function.modified
    )
