"""The log of one execution environment: its lines on their way to the log sink, and the tail that Invoke may return."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from lambent import limits

from .invocation import Function
from .line_splitter import LineSplitter
from .log_sink import LogLine, LogSink, now_ms

_FLUSH_AFTER_MS = 500
"""The log of a long invocation can be followed while it runs."""

_FLUSH_LINES = 10_000


class EnvironmentLog:
    """Call `begin` before each invocation and `end` after it. Output that comes in between is written at once."""

    def __init__(self, function: Function, sink: LogSink) -> None:
        self.stream = stream_name(function.version, datetime.now(UTC))
        self._function = function
        self._sink = sink
        self._splitter = LineSplitter()
        self._lines: list[LogLine] = []
        self._tail_start = self._flushed = self._flushed_ms = 0
        self._busy = False

    def begin(self) -> None:
        self._busy = True
        self._lines, self._tail_start, self._flushed, self._flushed_ms = [], 0, 0, now_ms()

    def on_output(self, chunk: bytes) -> None:
        now = now_ms()
        lines = self._splitter.feed(chunk, now)
        if not self._busy:
            self._write(lines)
            return
        self._lines += lines
        if now - self._flushed_ms > _FLUSH_AFTER_MS or len(self._lines) - self._flushed > _FLUSH_LINES:
            self._flush(now)

    def add(self, *lines: LogLine) -> None:
        self._lines += lines

    def flush(self) -> None:
        """Write what has been logged so far, although the invocation goes on."""
        if self._busy:
            self._flush(now_ms())

    def finish_output(self) -> None:
        """Add what the process has written without a newline."""
        self._lines += self._splitter.finish(now_ms())

    def start_tail(self) -> None:
        """The lines so far, those of the init phase, are not part of the tail."""
        self._tail_start = len(self._lines)

    def end(self) -> str:
        """Write the lines and return their tail."""
        self._flush(now_ms())
        self._busy = False
        return tail(self._lines[self._tail_start :])

    def close(self) -> None:
        self._write(self._splitter.finish(now_ms()))

    def _flush(self, now: int) -> None:
        """Write the new lines. Forget those that are too old for the tail."""
        self._write(self._lines[self._flushed :])
        excess = len(self._lines) - len(_last_lines(self._lines))
        del self._lines[:excess]
        self._tail_start = max(self._tail_start - excess, 0)
        self._flushed, self._flushed_ms = len(self._lines), now

    def _write(self, lines: list[LogLine]) -> None:
        self._sink.write(self._function.region, self._function.log_group, self.stream, lines)


def stream_name(version: str, now: datetime) -> str:
    """Return a name such as `2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef`."""
    return f"{now.astimezone(UTC):%Y/%m/%d}/[{version}]{uuid.uuid4().hex}"


def tail(lines: Sequence[LogLine]) -> str:
    """Return the text for LogType=Tail: the last 4 KB."""
    text = "".join(line.message + "\n" for line in _last_lines(lines))
    return text.encode()[-limits.LOG_TAIL :].decode("utf-8", "ignore")


def _last_lines(lines: Sequence[LogLine]) -> Sequence[LogLine]:
    """Return the lines that contain the last 4 KB."""
    size, start = 0, len(lines)
    while start > 0 and size < limits.LOG_TAIL:
        start -= 1
        size += len(lines[start].message) + 1
    return lines[start:]
