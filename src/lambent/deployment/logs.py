"""The log of an app: its requests, of the past or as they come."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from lambent.aws.interface import Aws
from lambent.aws.values import Function, LogGroup, LogSpan
from lambent.deployment.canary_log import parse_invocation_end
from lambent.deployment.follow_log import Batch, FollowTiming, follow
from lambent.deployment.request_log import RequestLog
from lambent.deployment.secret_values import Mask
from lambent.errors import NotDeployedError, UsageError
from lambent.events import Emit, Notice
from lambent.limits import TIMEOUT_MAX_S
from lambent.log_events import LoggedRequest, LogText
from lambent.names import Names

LOG_ACTIONS = ("lambda:GetFunction", "lambda:ListVersionsByFunction", "logs:DescribeLogGroups", "logs:FilterLogEvents")
"""The IAM actions that reading a log needs."""

SHOWN_AFTER_S = 1.0
"""When following, a request that runs longer is shown before it is complete."""
_REQUEST_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ID_START = re.compile(r"[0-9A-Za-z-]{4,64}")


class LogQuery(Struct, frozen=True):
    """What to show: since when (seconds of Unix time), only failed requests, or only the one whose ID starts with `request`."""

    since_s: float
    errors_only: bool = False
    request: str = ""

    def matches(self, request: LoggedRequest) -> bool:
        if self.request and not request.request_id.startswith(self.request):
            return False
        return request.failed or not self.errors_only


class AppLog(Struct, frozen=True):
    """The log group of an app, which may not exist (yet), and the mask that hides the app's secrets."""

    app: str
    group: LogGroup | None
    mask: Mask


def find_log(aws: Aws, app: str) -> AppLog:
    """Return the log of a function, also of one that lambent didn't deploy. A deleted one may still have its log.

    Raises DeployError if there is neither.
    """
    function = aws.function(app)
    name = _group_name(app, function, aws.region)
    group = aws.log_group(name)
    if function is None and group is None:
        raise NotDeployedError(app, "is not deployed, and there is no log of it", aws.account(), aws.region)
    versions = (function, *aws.versions(app)) if function else ()
    return AppLog(app, group, Mask(dict(version.settings.environment) for version in versions))


def check_request_id(text: str) -> str:
    """Return the start of a request ID in lower case. Raises UsageError if it can't be one."""
    if not _ID_START.fullmatch(text):
        hint = "lambent logs --errors shows the IDs; the header x-amzn-requestid of a response has it too"
        raise UsageError(f"not a request ID: {text}", where="--request", hint=hint)
    return text.lower()


def show_past(aws: Aws, log: AppLog, query: LogQuery, emit: Emit) -> bool:
    """Emit the requests of the past. Return whether there were any."""
    if log.group is None:
        return False
    requests = RequestLog()
    is_any = False
    for request in chain(requests.add(chain.from_iterable(_pages(aws, log.group, query))), requests.rest()):
        is_any = show(request, log, query, emit) or is_any
    return is_any


def show_live(aws: Aws, log: AppLog, query: LogQuery, emit: Emit, timing: FollowTiming) -> None:
    """Emit requests as they come, until the caller stops."""
    group = _wait_for_group(aws, log, emit, timing)
    requests = RequestLog()
    for batch in follow(aws, group, int(query.since_s * 1000), timing):
        now = time.monotonic()
        for request in requests.add(batch, now):
            show(request, log, query, emit)
        if not query.errors_only:  # it isn't known yet whether they fail
            for request in requests.overdue(now - SHOWN_AFTER_S):
                show(request, log, query, emit)


def show_text(aws: Aws, log: AppLog, query: LogQuery, emit: Emit, timing: FollowTiming | None) -> None:
    """Emit what is logged as it is, unmasked; with a `timing`, until the caller stops."""
    if timing is None and log.group is None:
        return
    since_ms = int(query.since_s * 1000)
    batches: Iterator[Batch]
    if timing is None:
        assert log.group is not None
        batches = aws.log_pages(log.group.name, LogSpan(since_ms))
    else:
        batches = follow(aws, _wait_for_group(aws, log, emit, timing), since_ms, timing)
    for batch in batches:
        for event in batch:
            emit(LogText(event.at_ms, event.stream, event.text))


def show(request: LoggedRequest, log: AppLog, query: LogQuery, emit: Emit, *, app: str = "") -> bool:
    """Emit a request without its secrets if the query asks for it, and return whether it does."""
    if not query.matches(request):
        return False
    lines = tuple(replace(line, text=log.mask(line.text)) for line in request.lines)
    emit(replace(request, app=app, path=log.mask(request.path), lines=lines))
    return True


def _pages(aws: Aws, group: LogGroup, query: LogQuery) -> Iterator[Batch]:
    """Yield the events of the span, or with a whole request ID only those of its environment around that time."""
    span = LogSpan(int(query.since_s * 1000))
    if not _REQUEST_ID.fullmatch(query.request):
        yield from aws.log_pages(group.name, span)
        return
    for page in aws.log_pages(group.name, span, f'"{query.request}"'):
        event = next((event for event in page if query.request in event.text), None)
        if event is not None:
            around = LogSpan(event.at_ms - TIMEOUT_MAX_S * 1000, event.at_ms + TIMEOUT_MAX_S * 1000)
            yield from _one_request(aws.log_pages(group.name, around, stream=event.stream), query.request)
            return


def _one_request(pages: Iterator[Batch], request_id: str) -> Iterator[Batch]:
    """Yield the pages up to the end of the request."""
    for page in pages:
        yield page
        if any(request_id in event.text and parse_invocation_end(event.text)[0] for event in page):
            return


def _wait_for_group(aws: Aws, log: AppLog, emit: Emit, timing: FollowTiming) -> LogGroup:
    group = log.group
    if group is None:
        emit(Notice(f"{log.app} has logged nothing yet: waiting"))
    while group is None:
        timing.pause(timing.pause_s)
        group = aws.log_group(_group_name(log.app, aws.function(log.app), aws.region))
    return group


def _group_name(app: str, function: Function | None, region: str) -> str:
    """Return the log group that a function names, or the one that Lambda uses by default."""
    return (function.log_group if function else "") or Names(app, "", region).log_group
