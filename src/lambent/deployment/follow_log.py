"""Follows a log: with CloudWatch's Live Tail where it is allowed and exists, otherwise by reading again and again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain

from msgspec import Struct

from lambent.aws.error_codes import SAMPLED
from lambent.aws.interface import Aws
from lambent.aws.values import LogEvent, LogGroup, LogSpan
from lambent.errors import AwsError

FOLLOW_ACTIONS = ("logs:StartLiveTail", "logs:FilterLogEvents", "logs:DescribeLogGroups")
"""The IAM actions for following a log. Without the first one it is read every few seconds."""

_LATE_MS = 20_000
"""How late CloudWatch may show what was logged: each reading begins that much before the newest event."""

_POLLS = 5
"""Readings instead of a session after there was too much for one."""

Batch = tuple[LogEvent, ...]


class FollowTiming(Struct, frozen=True):
    """Seconds between two readings, and how to wait for them."""

    pause_s: float = 2.0  # CloudWatch allows five to ten readings a second for a whole account
    pause: Callable[[float], None] = time.sleep


def follow(aws: Aws, group: LogGroup, since_ms: int, timing: FollowTiming) -> Iterator[Batch]:
    """Yield what was logged since a moment, and then what is logged, until the caller stops. A batch may be empty.

    A live session begins before the past is read, so that nothing is lost in between. When it ends, which it does after three
    hours, the next one takes over, or polling if there is none. If there is more than a session can show, it is read instead.
    """
    past = _Past(aws, group.name, since_ms)
    has_live, polls = bool(group.arn), 0
    while True:
        session = _start_live_tail(aws, group.arn) if has_live and not polls else None
        yield from past.read()
        updates = _confirm(session) if session is not None else None
        if updates is None:
            has_live, polls = polls > 0, max(polls - 1, 0)
            yield ()
            timing.pause(timing.pause_s)
            continue
        unread = past.recent()
        try:
            for update in updates:
                fresh = tuple(event for event in update if not _take(unread, event))
                past.note(fresh)
                yield fresh
        except AwsError as error:  # the session has ended
            polls = _POLLS if error.code == SAMPLED else 0


class _Past:
    """Reads what was logged since the last reading, each event once."""

    def __init__(self, aws: Aws, group: str, since_ms: int) -> None:
        self._aws = aws
        self._group = group
        self._since_ms = since_ms
        self._newest_ms = 0
        self._seen: dict[tuple[str, int, str], int] = {}
        """How many times an event was seen; of a live one there is no ID."""

    def read(self) -> Iterator[Batch]:
        span = LogSpan(max(self._since_ms, self._newest_ms - _LATE_MS))
        self._seen = {key: count for key, count in self._seen.items() if key[1] >= span.since_ms}
        unmatched = Counter(self._seen)
        for page in self._aws.log_pages(self._group, span):
            fresh = tuple(event for event in page if not _take(unmatched, event))
            self.note(fresh)
            yield fresh

    def note(self, events: Batch) -> None:
        for event in events:
            self._seen[_key(event)] = self._seen.get(_key(event), 0) + 1
            self._newest_ms = max(self._newest_ms, event.at_ms)

    def recent(self) -> Counter[tuple[str, int, str]]:
        return Counter(self._seen)


def _key(event: LogEvent) -> tuple[str, int, str]:
    return event.stream, event.at_ms, event.text.rstrip("\n")


def _take(unmatched: Counter[tuple[str, int, str]], event: LogEvent) -> bool:
    """Return whether the event is known, and forget it once."""
    key = _key(event)
    if unmatched[key] <= 0:
        del unmatched[key]
        return False
    unmatched[key] -= 1
    return True


def _start_live_tail(aws: Aws, group_arn: str) -> Iterator[Batch] | None:
    try:
        return aws.live_tail(group_arn)
    except AwsError:  # not allowed, too many sessions, or an endpoint that doesn't have it
        return None


def _confirm(session: Iterator[Batch]) -> Iterator[Batch] | None:
    """Return the updates of a session, or None if it ends at once: moto's has one update, which holds the past."""
    try:
        first, second = next(session, None), next(session, None)
    except AwsError:
        return None
    return chain((first, second), session) if first is not None and second is not None else None
