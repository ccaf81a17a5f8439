"""Splits a runtime's output into log events: lines of text, and the framed records that AWS's runtime client writes.

The time is linear in the bytes, however they are cut into chunks and whatever they contain: the function decides both.
"""

from __future__ import annotations

import re

from .log_sink import LogLine

_FRAME_MAGIC = b"\xa5\x5a\x00"  # awslambdaric, FramedTelemetryLogSink: type 4 bytes, length 4, microseconds 8, message
_FRAME_HEAD = 16
_FRAME_MAX = 8 << 20
_EVENT_MAX = 256 * 1024  # a longer line is cut, as CloudWatch Logs does
_RUN = "\n" * 64
_EMPTY_LINES = re.compile("\n{64,}")


class LineSplitter:
    """Turns bytes from the output pipe into log events, and holds back what is incomplete."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._searched = 0  # so many of its bytes contain neither the end of a line nor the beginning of a frame

    def feed(self, chunk: bytes, now_ms: int) -> list[LogLine]:
        self._rest += chunk
        return self._split(now_ms, last=False)

    def finish(self, now_ms: int) -> list[LogLine]:
        """Return what is left, including a line without a newline."""
        return self._split(now_ms, last=True) if self._rest else []

    def _split(self, now_ms: int, *, last: bool) -> list[LogLine]:
        lines: list[LogLine] = []
        start = 0
        while start < len(self._rest):
            is_frame = self._is_frame(start)
            end = self._end_of_frame(start) if is_frame else start
            if is_frame and end <= len(self._rest):
                lines.append(self._frame(start, end))
            elif is_frame and not last:
                break  # it is incomplete
            else:
                end = self._end_of_text(start, last=last)
                if end == start:
                    break
                at_ms = min(now_ms, self._frame_time(end)) if self._has_frame_head(end) else now_ms
                lines += _text_lines(_decode(self._rest[start:end].removesuffix(b"\n")), at_ms)
            start, self._searched = end, 0
        del self._rest[:start]
        return lines

    def _is_frame(self, start: int) -> bool:
        """Also true while too little has arrived to know the frame's length."""
        return self._rest.startswith(_FRAME_MAGIC, start) and self._end_of_frame(start) <= start + _FRAME_HEAD + _FRAME_MAX

    def _end_of_frame(self, start: int) -> int:
        return start + _FRAME_HEAD + int.from_bytes(self._rest[start + 4 : start + 8], "big")

    def _has_frame_head(self, start: int) -> bool:
        """What was printed before a record isn't later than the record, so that both keep their order when sorted by time."""
        return self._rest.startswith(_FRAME_MAGIC, start) and len(self._rest) >= start + _FRAME_HEAD

    def _frame_time(self, start: int) -> int:
        return int.from_bytes(self._rest[start + 8 : start + _FRAME_HEAD], "big") // 1000

    def _frame(self, start: int, end: int) -> LogLine:
        return LogLine(self._frame_time(start), _message(_decode(self._rest[start + _FRAME_HEAD : end].removesuffix(b"\n"))))

    def _end_of_text(self, start: int, *, last: bool) -> int:
        """Return where the complete lines end that begin at `start`: at a frame, or after the last newline."""
        unseen = start + self._searched
        frame = self._rest.find(_FRAME_MAGIC, max(unseen - len(_FRAME_MAGIC), start) + 1)
        if frame >= 0:
            return frame
        newline = self._rest.rfind(b"\n", unseen)
        if newline < 0 and (last or len(self._rest) - start >= _EVENT_MAX):
            return len(self._rest)
        self._searched = len(self._rest) - start
        return newline + 1 or start


def _text_lines(text: str, now_ms: int) -> list[LogLine]:
    """Return the events of some lines. A run of empty lines is one event, many times."""
    empty = LogLine(now_ms, "")
    events: list[LogLine] = []
    start = 0
    for run in _EMPTY_LINES.finditer(text) if _RUN in text else ():
        events += _events(text[start : run.start()], empty)
        events += [empty] * (run.end() - run.start() - 1)
        start = run.end()
    events += _events(text[start:], empty)
    return events


def _events(text: str, empty: LogLine) -> list[LogLine]:
    lines = text.split("\n")
    if "\r" in text:
        lines = [_message(line) for line in lines]
    if len(text) > _EVENT_MAX:
        lines = [line[index : index + _EVENT_MAX] for line in lines for index in range(0, len(line) or 1, _EVENT_MAX)]
    return [LogLine(empty.timestamp_ms, line) if line else empty for line in lines]


def _decode(raw: bytearray) -> str:
    return raw.decode("utf-8", "replace")


def _message(text: str) -> str:
    """When awslambdaric doesn't frame a record, it joins its lines by carriage returns."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
