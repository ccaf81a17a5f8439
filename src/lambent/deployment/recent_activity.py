"""How the deployed version of an app has been doing lately, as its log says."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime

from lambent import status_events
from lambent.aws.interface import Aws
from lambent.aws.values import Alias, Function, LogEvent, LogSpan
from lambent.deployment.log_records import ANSWERED_5XX
from lambent.deployment.request_log import RequestLog
from lambent.log_events import LoggedRequest

_MINUTES = 60
_EVENTS_MAX = 10_000  # one page of CloudWatch's
_PATTERN = (
    f'?"START RequestId" ?"REPORT RequestId" ?"platform.start" ?"platform.report" ?"{ANSWERED_5XX}" '
    '?Traceback ?stackTrace ?ERROR ?CRITICAL ?"Task timed out" ?"Runtime exited"'
)
"""In CloudWatch's filter syntax: the beginning and end of each request, and signs of failure."""


def recent_activity(aws: Aws, group: str, function: Function, alias: Alias | None) -> status_events.LogSummary:
    """Return how the versions that have traffic did in the last hour.

    What is older than the live version is of another function, of the same name, that was deleted.
    """
    since = max(time.time() - _MINUTES * 60, _published(function))
    live = {alias.version, *(version for version, _ in alias.weights)} if alias else set()
    read: list[LogEvent] = []
    for page in aws.log_pages(group, LogSpan(int(since * 1000)), _PATTERN):
        read += page
        if len(read) >= _EVENTS_MAX:
            break
    own = [event for event in read if not live or any(f"[{version}]" in event.stream for version in live)]
    return summarize_activity(own, more=len(read) >= _EVENTS_MAX)


def _published(function: Function) -> float:
    """Return when a version was published, in seconds of Unix time; 0 if it isn't known."""
    try:
        return datetime.fromisoformat(function.modified).timestamp()
    except ValueError:
        return 0


def summarize_activity(log: Iterable[LogEvent], *, more: bool = False) -> status_events.LogSummary:
    """Summarize the requests of a log. One has failed if it was answered with 5xx, logged an error, or ended in one. Pure."""
    requests = [request for request in RequestLog().add(log) if request.request_id and request.complete]
    failed = [request for request in requests if request.failed]
    return status_events.LogSummary(
        minutes=_MINUTES,
        invocations=len(requests),
        cold=sum(request.init_ms is not None for request in requests),
        failures=len(failed),
        last_failure=_describe(failed[-1])[:200] if failed else "",
        more=more,
    )


def _describe(request: LoggedRequest) -> str:
    """Return what went wrong in one line."""
    errors = [line.text for line in request.lines if line.level == "error"]
    last = errors[-1].rstrip().splitlines()[-1].strip() if errors else ""
    if errors and "Caused by " in errors[-1]:
        last = errors[-1].partition("Caused by ")[0].rstrip().splitlines()[-1]
    if last and not last.startswith("Traceback"):
        return last
    return f"answered with {request.status}" if request.status else request.failure or "an exception"
