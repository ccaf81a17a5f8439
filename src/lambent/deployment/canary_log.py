"""What a version's log says about its requests, and whether a canary may go on. Pure.

The log is what AWS and the local Lambda both have. An error is an invocation that failed, a traceback, or a status of 5xx that
lambent's runtime logs. A handler that AWS's client runs may answer 5xx without logging anything, which doesn't count.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from msgspec import Struct

from lambent.aws.values import LogEvent
from lambent.deployment.log_records import ANSWERED_5XX

PATTERN = f'?"REPORT RequestId" ?"platform.report" ?Traceback ?stackTrace ?"Task timed out" ?"{ANSWERED_5XX}"'
"""Which lines of a log are read, in CloudWatch's filter syntax: the end of each invocation, and signs of failure."""


class RequestCount(Struct, frozen=True):
    requests: int = 0
    errors: int = 0


def is_healthy(new: RequestCount, old: RequestCount) -> bool:
    """Return whether the new version may go on: it fails no more often than the old one does at the same time.

    If the old version has no errors, one error is too many. Otherwise up to twice its rate is allowed, and two errors are too
    few to be a rate.
    """
    if new.errors == 0 or old.errors == 0:
        return new.errors == 0
    return new.errors <= 2 or new.errors / max(new.requests, 1) <= 2 * old.errors / max(old.requests, 1)


class VersionLog:
    """What one version has logged so far. A line is counted once, however often it is read.

    `ignored_request` is the ID of the request that checked the version: its end may be logged after the canary has begun.
    """

    def __init__(self, version: str, ignored_request: str = "") -> None:
        self.version = version
        self.first_error: LogEvent | None = None
        self._ignored_request = ignored_request
        self._line_ids: set[str] = set()
        self._requests = self._failed = self._tracebacks = self._answered_5xx = 0

    def add(self, lines: Iterable[LogEvent]) -> None:
        for line in lines:
            if line.id in self._line_ids or (self._ignored_request and self._ignored_request in line.text):
                continue
            self._line_ids.add(line.id)
            ended, failed = parse_invocation_end(line.text)
            answered_5xx = ANSWERED_5XX in line.text
            is_error = failed if ended else answered_5xx or is_traceback(line.text)
            self._requests += ended
            self._failed += ended and failed
            self._answered_5xx += answered_5xx
            self._tracebacks += is_error and not ended and not answered_5xx
            if is_error and self.first_error is None:
                self.first_error = line

    @property
    def count(self) -> RequestCount:
        """One failure is often logged twice: by its traceback, and by its status or the end of its invocation."""
        return RequestCount(self._requests, max(self._failed, self._tracebacks, self._answered_5xx))


def parse_invocation_end(text: str) -> tuple[bool, bool]:
    """Return whether a line reports the end of an invocation, and whether that invocation failed."""
    if text.startswith("REPORT RequestId"):
        return True, "Status: " in text  # present only after a failure
    if text.startswith("{") and '"platform.report"' in text:
        return True, _member(text, "record").get("status", "success") != "success"
    return False, False


def is_traceback(text: str) -> bool:
    """Return whether a line reports an exception or a timeout."""
    return (
        "Traceback (most recent call last)" in text or "Task timed out" in text or ('"stackTrace"' in text and text[:1] == "{")
    )


def _member(text: str, name: str) -> dict[str, object]:
    try:
        member = json.loads(text).get(name)
    except (ValueError, AttributeError):
        return {}
    return member if isinstance(member, dict) else {}


def same_invocation(lines: Iterable[LogEvent], event: LogEvent) -> list[LogEvent]:
    """Return the lines of one environment's log that belong to the same invocation as `event`."""
    invocation: list[LogEvent] = []
    has_event = False
    for line in lines:
        if line.text.startswith("START RequestId") or '"platform.start"' in line.text:
            if has_event:
                break
            invocation = []
        invocation.append(line)
        has_event = has_event or line.id == event.id
        if has_event and parse_invocation_end(line.text)[0]:
            break
    return invocation
