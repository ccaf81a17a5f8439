"""The log of an environment: START, END and REPORT as AWS writes them, and the function's own lines between them.

Text lines as recorded (`tests/recordings/invoke-and-url.json`, `log_events`); JSON records as in
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html.
"""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from datetime import UTC, date, datetime

from msgspec import Struct

from lambent import calendar, limits

from .invocation import Function, LogLine

_FRAME_MAGIC = b"\xa5\x5a\x00"  # awslambdaric, FramedTelemetryLogSink: type 4 bytes, length 4, microseconds 8, message
_FRAME_HEAD = 16
_FRAME_MAX = 8 << 20
_EVENT_MAX = 256 * 1024  # a longer line is cut, as CloudWatch Logs does


def stream_name(version: str, now: datetime) -> str:
    """Such as `2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef`."""
    return f"{now.astimezone(UTC):%Y/%m/%d}/[{version}]{uuid.uuid4().hex}"


class LineSplitter:
    """Bytes as they come out of the pipe to whole log events. Holds what is not a whole one yet."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes, now_ms: int) -> list[LogLine]:
        self._rest += chunk
        return self._take(now_ms, last=False)

    def finish(self, now_ms: int) -> list[LogLine]:
        """What is left, a line without its end included."""
        lines = self._take(now_ms, last=True)
        self._rest = b""
        return lines

    def _take(self, now_ms: int, *, last: bool) -> list[LogLine]:
        lines: list[LogLine] = []
        while self._rest:
            if self._frame_length() is not None:
                line = self._frame()
                if line is None and not last:
                    break
                if line is not None:
                    lines.append(line)
                    continue
            ends = [at for at in (self._rest.find(b"\n"), self._rest.find(_FRAME_MAGIC, 1) - 1) if at >= 0]
            if not ends and not last and len(self._rest) < _EVENT_MAX:
                break
            cut = min([at + 1 for at in ends] or [len(self._rest)])
            lines.append(LogLine(now_ms, _text(self._rest[:cut].removesuffix(b"\n"))))
            self._rest = self._rest[cut:]
        return lines

    def _frame_length(self) -> int | None:
        """The length of the frame that comes next, 0 as long as it is not known; None when it is text that comes."""
        if not self._rest.startswith(_FRAME_MAGIC):
            return None
        length = int.from_bytes(self._rest[4:8], "big") if len(self._rest) >= _FRAME_HEAD else 0
        return length if length <= _FRAME_MAX else None

    def _frame(self) -> LogLine | None:
        """None when it is not whole yet."""
        end = _FRAME_HEAD + int.from_bytes(self._rest[4:8], "big")
        if len(self._rest) < max(end, _FRAME_HEAD):
            return None
        stamp = int.from_bytes(self._rest[8:_FRAME_HEAD], "big") // 1000
        message = self._rest[_FRAME_HEAD:end]
        self._rest = self._rest[end:]
        return LogLine(stamp, _text(message.removesuffix(b"\n")))


def _text(raw: bytes) -> str:
    # awslambdaric, unframed, joins the lines of one record by carriage returns.
    return raw.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")


def tail(lines: list[LogLine]) -> str:
    """The text that LogType=Tail gives: the last 4 KB."""
    text = "".join(line.message + "\n" for line in lines)
    return text.encode()[-limits.LOG_TAIL :].decode("utf-8", "ignore")


class Report(Struct, frozen=True):
    """One invocation's numbers. Milliseconds and MB; `init_ms` only on a cold start; `status` and `error_type` or ""."""

    request_id: str
    duration_ms: float
    memory_mb: int
    used_mb: int
    init_ms: float | None = None
    status: str = ""
    error_type: str = ""


class Format:
    """The platform's lines, in the format that the function's configuration names."""

    def __init__(self, function: Function, as_of: date) -> None:
        self._function = function
        self._json = function.log_format == "JSON"
        self._bills_init = as_of >= calendar.INIT_BILLED

    def init_start(self, now: datetime) -> LogLine:
        name = f"python:{self._function.runtime.removeprefix('python')}.v1"
        sha = hashlib.sha256(self._function.runtime.encode()).hexdigest()
        arn = f"arn:aws:lambda:{self._function.region}::runtime:{sha}"
        record = {"initializationType": "on-demand", "phase": "init", "runtimeVersion": name, "runtimeVersionArn": arn}
        return self._line(now, f"INIT_START Runtime Version: {name}\tRuntime Version ARN: {arn}", "initStart", record)

    def init_report(self, now: datetime, phase: str, init_ms: float, status: str, error_type: str) -> LogLine:
        text = f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: {phase}\tStatus: {status}"
        text += f"\tError Type: {error_type}" if error_type and status == "error" else ""
        record: dict[str, object] = {"phase": phase, "status": status, "metrics": {"durationMs": round(init_ms, 3)}}
        return self._line(now, text, "initReport", record | ({"errorType": error_type} if error_type else {}))

    def start(self, now: datetime, request_id: str) -> LogLine:
        version = self._function.version
        record = {"requestId": request_id, "version": version}
        return self._line(now, f"START RequestId: {request_id} Version: {version}", "start", record)

    def end(self, now: datetime, report: Report) -> list[LogLine]:
        """END (text only: a real function's JSON log holds no such record) and REPORT."""
        billed = math.ceil(report.duration_ms + (report.init_ms or 0.0 if self._bills_init else 0.0))
        if self._json:
            return [self._line(now, "", "report", _report_record(report, billed))]
        fields = [
            f"REPORT RequestId: {report.request_id}",
            f"Duration: {report.duration_ms:.2f} ms",
            f"Billed Duration: {billed} ms",
            f"Memory Size: {report.memory_mb} MB",
            f"Max Memory Used: {report.used_mb} MB",
        ]
        if report.init_ms is not None:
            fields.append(f"Init Duration: {report.init_ms:.2f} ms")
        if report.status:
            fields.append(f"Status: {report.status}")
        if report.status == "error":
            fields.append(f"Error Type: {report.error_type}")
        text = "\t".join([*fields, ""])
        return [self._line(now, f"END RequestId: {report.request_id}", "", {}), self._line(now, text, "", {})]

    def _line(self, now: datetime, text: str, kind: str, record: dict[str, object] | dict[str, str]) -> LogLine:
        if self._json:
            stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
            text = json.dumps({"time": stamp, "type": f"platform.{kind}", "record": record}, separators=(",", ":"))
        return LogLine(round(now.timestamp() * 1000), text)


def _report_record(report: Report, billed: int) -> dict[str, object]:
    metrics: dict[str, object] = {
        "durationMs": round(report.duration_ms, 3),
        "billedDurationMs": float(billed),
        "memorySizeMB": report.memory_mb,
        "maxMemoryUsedMB": report.used_mb,
    }
    if report.init_ms is not None:
        metrics["initDurationMs"] = round(report.init_ms, 3)
    status = report.status or ("failure" if report.error_type else "success")
    record: dict[str, object] = {"requestId": report.request_id, "metrics": metrics, "status": status}
    return record | ({"errorType": report.error_type} if report.error_type else {})
