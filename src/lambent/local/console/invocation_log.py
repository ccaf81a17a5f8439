"""The log of one invocation, found among the events of its environment's log stream. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lambent.local.log_store import LogEvent

_LINES_MAX = 3000
_FIRST = 500
"""How many lines of a longer log are from its beginning; the others are from its end."""
_LINE_MAX = 8000
_TEXT_MAX = 2_000_000


def invocation_events(events: Sequence[LogEvent], request_id: str) -> list[LogEvent]:
    """Return the events from the line before which the invocation began to its REPORT.

    `events` are of one stream and of the time in which it ran. An environment runs one event at a time, so only what is logged
    in the same millisecond may be of another. On a cold start the init phase's lines are before START.
    """
    start = next((number for number, event in enumerate(events) if _is_line(event, "START", request_id)), None)
    if start is None:
        return list(events)
    end = next((number for number, event in enumerate(events) if _is_line(event, "REPORT", request_id)), len(events))
    before = [
        number for number in range(start) if _is_line(events[number], "REPORT", "") or _is_line(events[number], "END", "")
    ]
    return list(events[before[-1] + 1 if before else 0 : end + 1])


def shown_log(events: Sequence[LogEvent]) -> dict[str, Any]:
    """Return the lines as the page gets them, and how many are left out: what a function prints has no limit."""
    left_out = max(len(events) - _LINES_MAX, 0)
    kept = [*events[:_FIRST], *events[_FIRST + left_out :]] if left_out else events
    lines = list(_lines(kept))
    return {"lines": lines, "left_out": left_out + len(kept) - len(lines), "after": _FIRST if left_out else len(lines)}


def _lines(events: Sequence[LogEvent]) -> Iterator[dict[str, Any]]:
    size = 0
    for event in events:
        text = event.message[:_LINE_MAX]
        size += len(text)
        if size > _TEXT_MAX:
            return
        yield {"at": event.timestamp, "text": text, "cut": len(event.message) - len(text)}


def _is_line(event: LogEvent, kind: str, request_id: str) -> bool:
    """Whether this is Lambda's own line of a kind: `START RequestId: ...`, or a JSON record `platform.start`."""
    text = event.message
    if text.startswith(f"{kind} RequestId: {request_id}"):
        return True
    return text.startswith("{") and f'"platform.{kind.lower()}"' in text and request_id in text
