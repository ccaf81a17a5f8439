"""The lines that AWS adds to a function's log: INIT_START, START, END, REPORT.

Text lines as recorded (`tests/recordings/invoke-and-url.json`, `log_events`); JSON records as in
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime

from lambent import calendar

from .invocation import Function, Report
from .log_sink import LogLine


class PlatformLog:
    """Formats the lines as text or JSON, as the function's configuration says."""

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
        """Return END and REPORT. A JSON log has no END record, on AWS either."""
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
        report_line = "\t".join([*fields, ""])
        return [self._line(now, f"END RequestId: {report.request_id}"), self._line(now, report_line)]

    def _line(self, now: datetime, text: str, kind: str = "", record: Mapping[str, object] | None = None) -> LogLine:
        if self._json:
            stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
            text = json.dumps({"time": stamp, "type": f"platform.{kind}", "record": record}, separators=(",", ":"))
        return LogLine(int(now.timestamp() * 1000), text)  # as the lines between START and END: sorted, they stay there


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
