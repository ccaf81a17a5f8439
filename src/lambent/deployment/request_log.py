"""Groups the events of a log into requests: from START to REPORT, for each environment on its own. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from lambent.aws.values import LogEvent
from lambent.deployment.log_records import TRACEBACK, Record, parse_record
from lambent.log_events import LoggedLine, LoggedRequest

_CHAIN = ("During handling of the above exception", "The above exception was the direct cause")
_VERSION = re.compile(r"\[([^\]]+)\]")


class _OpenRequest(Struct):
    """What one environment has logged since the end of its last request."""

    at_ms: int
    version: str
    since_s: float
    has_init: bool = False
    started: bool = False
    request_id: str = ""
    method: str = ""
    path: str = ""
    status: int = 0
    failure: str = ""
    init_ms: float | None = None
    lines: list[LoggedLine] = field(default_factory=list)
    failed: bool = False
    shown: bool = False

    def take(self, report: Record | None = None) -> LoggedRequest:
        """Return the request so far, and with a `report` as complete."""
        while self.lines and not self.lines[-1].text.strip():  # Lambda ends some lines of its own with two newlines
            self.lines.pop()
        lines, self.lines = tuple(_join_tracebacks(self.lines)), []
        continues, self.shown = self.shown, True
        failure = report.failure if report else ""
        status = self.status
        if report and self.method not in ("", "run"):  # Lambda answers a request with 502 if the function failed
            status = 502 if failure else status or 200
        self.failed = self.failed or bool(failure) or status >= 500 or any(line.level == "error" for line in lines)
        is_cold = report is not None and (report.init_ms is not None or self.has_init)
        return LoggedRequest(
            request_id=self.request_id or (report.request_id if report else ""),
            at_ms=self.at_ms,
            version=self.version,
            method=self.method,
            path=self.path,
            status=status,
            failure=failure,
            duration_ms=report.duration_ms if report else None,
            used_mb=report.used_mb if report else 0,
            memory_mb=report.memory_mb if report else 0,
            init_ms=(report.init_ms if report.init_ms is not None else self.init_ms) if report and is_cold else None,
            failed=self.failed,
            complete=report is not None or not self.started,
            continues=continues,
            lines=lines,
        )


class RequestLog:
    """Takes the events of a log in order, and returns each request once it is complete.

    Times are seconds of any clock that the caller uses for both `add` and `overdue`.
    """

    def __init__(self) -> None:
        self._open: dict[str, _OpenRequest] = {}

    def add(self, events: Iterable[LogEvent], now_s: float = 0) -> Iterator[LoggedRequest]:
        for event in events:
            record = parse_record(event.text)
            if record is not None:
                yield from self._add(event, record, now_s)

    def overdue(self, before_s: float) -> Iterator[LoggedRequest]:
        """Yield what requests that began before this moment have logged and that wasn't shown yet."""
        for stream, request in list(self._open.items()):
            if request.since_s <= before_s and (request.lines or (request.method and not request.shown)):
                yield request.take()
                if not request.started and not request.has_init:
                    del self._open[stream]

    def rest(self) -> Iterator[LoggedRequest]:
        """Yield what belongs to no complete request."""
        for request in self._open.values():
            if request.lines or request.started:
                yield request.take()
        self._open.clear()

    def _add(self, event: LogEvent, record: Record, now_s: float) -> Iterator[LoggedRequest]:
        stream = event.stream
        current = self._open.get(stream)
        if record.kind in ("init", "start") and current is not None and (current.started or not current.has_init):
            del self._open[stream]
            if current.lines or current.started:
                yield current.take()
            current = None
        if record.kind == "end":
            return
        if current is None:
            version = _VERSION.search(stream)
            current = self._open[stream] = _OpenRequest(event.at_ms, version[1] if version else "", now_s)
        if record.kind == "report":
            del self._open[stream]
            yield current.take(record)
        else:
            _note(current, event.at_ms, record)


def _note(current: _OpenRequest, at_ms: int, record: Record) -> None:
    match record.kind:
        case "init":
            current.has_init = True
        case "init_report":
            current.init_ms = record.init_ms
            if record.failure:
                current.lines = _without_repeated_errors(current.lines)
        case "start":
            current.started, current.at_ms = True, at_ms
            current.request_id, current.version = record.request_id, record.version or current.version
        case "request":
            current.method, current.path = record.method, record.path
        case "status":
            current.status = record.status
        case _:
            current.lines.append(LoggedLine(at_ms, record.level, record.text))


def _join_tracebacks(lines: Iterable[LoggedLine]) -> Iterator[LoggedLine]:
    """Yield the lines, but one for a whole traceback that was printed line by line."""
    block: list[str] = []
    first = LoggedLine(0, "", "")
    ended = False
    for line in lines:
        if block and _continues(line, ended):
            block.append(line.text)
            ended = (ended or not line.text.startswith((" ", "\t"))) and TRACEBACK not in line.text
            continue
        if block:
            yield LoggedLine(first.at_ms, first.level, "\n".join(block).rstrip())
            block = []
        if TRACEBACK in line.text and "\n" not in line.text:
            block, first, ended = [line.text], line, False
        else:
            yield line
    if block:
        yield LoggedLine(first.at_ms, first.level, "\n".join(block).rstrip())


def _continues(line: LoggedLine, ended: bool) -> bool:
    """Return whether a line belongs to the traceback before it, of which the exception has been seen if it has `ended`."""
    text = line.text
    if "\n" in text:
        return False
    if not ended:
        return True
    return not text.strip() or text.startswith(_CHAIN) or TRACEBACK in text


def _without_repeated_errors(lines: list[LoggedLine]) -> list[LoggedLine]:
    """Leave out what a failed start has logged before: Lambda starts such an environment again for the next request."""
    errors: set[str] = set()
    kept = []
    for line in lines:
        if line.level != "error" or line.text not in errors:
            kept.append(line)
        errors.add(line.text)
    return kept
