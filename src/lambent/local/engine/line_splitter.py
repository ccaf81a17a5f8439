"""Splits a runtime's output into log events: lines of text, and the framed records that AWS's runtime client writes."""

from __future__ import annotations

from .log_sink import LogLine

_FRAME_MAGIC = b"\xa5\x5a\x00"  # awslambdaric, FramedTelemetryLogSink: type 4 bytes, length 4, microseconds 8, message
_FRAME_HEAD = 16
_FRAME_MAX = 8 << 20
_EVENT_MAX = 256 * 1024  # a longer line is cut, as CloudWatch Logs does


class LineSplitter:
    """Turns bytes from the output pipe into log events, and holds back what is incomplete."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes, now_ms: int) -> list[LogLine]:
        self._rest += chunk
        return self._split(now_ms, last=False)

    def finish(self, now_ms: int) -> list[LogLine]:
        """Return what is left, including a line without a newline."""
        lines = self._split(now_ms, last=True)
        self._rest = b""
        return lines

    def _split(self, now_ms: int, *, last: bool) -> list[LogLine]:
        lines: list[LogLine] = []
        while self._rest:
            if self._starts_with_frame():
                line = self._take_frame()
                if line is None and not last:
                    break
                if line is not None:
                    lines.append(line)
                    continue
            ends = [index for index in (self._rest.find(b"\n"), self._rest.find(_FRAME_MAGIC, 1) - 1) if index >= 0]
            if not ends and not last and len(self._rest) < _EVENT_MAX:
                break
            end = min(ends) + 1 if ends else len(self._rest)
            lines.append(LogLine(now_ms, _text(self._rest[:end])))
            self._rest = self._rest[end:]
        return lines

    def _starts_with_frame(self) -> bool:
        """Also true while too little has arrived to know the frame's length."""
        return self._rest.startswith(_FRAME_MAGIC) and int.from_bytes(self._rest[4:8], "big") <= _FRAME_MAX

    def _take_frame(self) -> LogLine | None:
        """Return the next frame, or None if it is incomplete."""
        end = _FRAME_HEAD + int.from_bytes(self._rest[4:8], "big")
        if len(self._rest) < end:
            return None
        timestamp_ms = int.from_bytes(self._rest[8:_FRAME_HEAD], "big") // 1000
        message = self._rest[_FRAME_HEAD:end]
        self._rest = self._rest[end:]
        return LogLine(timestamp_ms, _text(message))


def _text(raw: bytes) -> str:
    """Without its newline. When awslambdaric doesn't frame a record, it joins its lines by carriage returns."""
    return raw.removesuffix(b"\n").decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
