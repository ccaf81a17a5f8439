"""What one event of a log is: a line of Lambda's own, one of lambent's runtime, or something that the app wrote. Pure.

Lambda's lines are text or JSON (https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html). The app's lines
may have the form of AWS's clients for Python or Node.js.
"""

from __future__ import annotations

import json
import re
from typing import Any, Literal

from msgspec import Struct

Kind = Literal["init", "init_report", "start", "end", "report", "request", "status", "line"]
Level = Literal["error", "warning", ""]
TRACEBACK = "Traceback (most recent call last)"
ACCESS = re.compile(r"lambent: (?:status (?P<status>\d{3})|(?P<method>[A-Za-z]+|\?) (?P<path>/\S*))")
"""What `runtime/access_log.py` writes about a request."""
COMMAND = re.compile(r"lambent: run (?P<name>\S+)")
"""What `runtime/command.py` writes when a command of `lambent run` begins. It counts as a request of the method "run"."""
ANSWERED_5XX = "lambent: status 5"
"""The beginning of its line about an answer with 5xx."""

_ADVICE = "LAMBDA_WARNING: Unhandled exception. The most likely cause is"
"""The beginning of 800 characters that AWS's clients log before each exception during a start."""

_ID = r"(?P<id>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
_START = re.compile(r"START RequestId: (?P<id>\S+)(?: Version: (?P<version>\S+))?")
_END = re.compile(r"END RequestId: (?P<id>\S+)")
_REPORT = re.compile(r"REPORT RequestId: (?P<id>\S+)")
_PYTHON = re.compile(rf"\[(?P<level>[A-Z]+)\]\t[\dT:.Z-]+\t(?:{_ID})?\t(?P<text>.*)", re.DOTALL)
_NODE = re.compile(rf"[\dT:.Z-]+\t(?:{_ID}|undefined)\t(?P<level>[A-Z]+)\t(?P<text>.*)", re.DOTALL)
_PLATFORM = re.compile(rf"[\dT:.-]+Z {_ID} (?P<text>Task timed out after .*)", re.DOTALL)
_EXITED = re.compile(rf"RequestId: {_ID} (?:Error: )?(?P<text>Runtime exited .*|Process exited .*)", re.DOTALL)
_RAISED = re.compile(rf"\[ERROR\] (?P<error>.*?)\n{re.escape(TRACEBACK)}:(?P<trace>\n.*)?", re.DOTALL)
_LEVEL = re.compile(r"\[?(?P<level>CRITICAL|FATAL|ERROR|WARNING|WARN|INFO|DEBUG|TRACE)(?:\]|:)")
_PLATFORM_TYPES: dict[str, Kind] = {
    "initStart": "init",
    "restoreStart": "init",
    "initReport": "init_report",
    "start": "start",
    "report": "report",
}
_STANDARD = frozenset(("timestamp", "level", "message", "logger", "requestId", "stackTrace", "errorType", "errorMessage"))


class Record(Struct, frozen=True):
    """One event of a log. Which members are set depends on its `kind`; `failure` is as in `log_events.LoggedRequest`."""

    kind: Kind
    request_id: str = ""
    version: str = ""
    method: str = ""
    path: str = ""
    status: int = 0
    failure: str = ""
    duration_ms: float | None = None
    used_mb: int = 0
    memory_mb: int = 0
    init_ms: float | None = None
    level: Level = ""
    text: str = ""


def parse_record(text: str) -> Record | None:
    """Return what an event says, or None if it is of no interest to people."""
    text = text.replace("\xa0", " ").replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    if _ADVICE in text:
        return None
    if text.startswith("{"):
        document = _parse_object(text)
        if document is not None:
            return _parse_json(document, text)
    if text.startswith(("INIT_START", "RESTORE_START")):
        return Record("init")
    if text.startswith(("INIT_REPORT", "RESTORE_REPORT")):
        return Record("init_report", failure=_failure(text), init_ms=_number(text, "(?:Init|Restore) Duration"))
    if text.startswith(("EXTENSION\t", "TELEMETRY\t", "LOGS\t", "XRAY TraceId:")):
        return None
    for kind, pattern in _KINDS:
        if match := pattern.match(text):
            fields = match.groupdict("")
            return Record(kind, request_id=fields["id"], version=fields.get("version", ""))
    if match := _REPORT.match(text):
        return _parse_report(match["id"], text)
    return _parse_access(text) or _parse_line(text)


_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (("start", _START), ("end", _END))


def _parse_report(request_id: str, text: str) -> Record:
    return Record(
        "report",
        request_id=request_id,
        failure=_failure(text),
        duration_ms=_number(text, "Duration"),
        used_mb=int(_number(text, "Max Memory Used") or 0),
        memory_mb=int(_number(text, "Memory Size") or 0),
        init_ms=_number(text, "(?:Init|Restore) Duration"),
    )


def _failure(text: str) -> str:
    """Return "" or how an invocation or an init failed. Lambda names a status only then."""
    status = re.search(r"\tStatus: (\w+)", text)
    if status is None or status[1] == "success":
        return ""
    error = re.search(r"\tError Type: (\S+)", text)
    return error[1] if error else status[1]


def _number(text: str, name: str) -> float | None:
    match = re.search(rf"(?:^INIT_REPORT |^RESTORE_REPORT |\t){name}: ([\d.]+)", text)
    return float(match[1]) if match else None


def _parse_access(text: str) -> Record | None:
    """Return what the runtime says about a request."""
    if command := COMMAND.fullmatch(text):
        return Record("request", method="run", path=command["name"])
    match = ACCESS.fullmatch(text)
    if match is None:
        return None
    if match["status"]:
        return Record("status", status=int(match["status"]))
    return Record("request", method=match["method"], path=match["path"])


def _parse_line(text: str) -> Record:
    if match := _RAISED.fullmatch(text):
        return Record("line", level="error", text=_in_python_order(match["error"], match["trace"] or ""))
    for pattern in (_PYTHON, _NODE):
        if match := pattern.fullmatch(text):
            text = f"{match['level']} {match['text']}"
            return Record("line", request_id=match["id"] or "", level=_level(match["level"]), text=text)
    if match := _PLATFORM.match(text):
        return Record("line", request_id=match["id"], level="error", text=match["text"].strip())
    if match := _EXITED.match(text):
        return Record("line", request_id=match["id"], level="error", text=match["text"])
    level_match = _LEVEL.match(text)
    level: Level = _level(level_match["level"]) if level_match else "error" if TRACEBACK in text else ""
    return Record("line", level=level, text=text)


def _in_python_order(error: str, trace: str) -> str:
    """AWS's client puts the exception first. Return the traceback as Python prints it; causes follow."""
    own, caused, causes = trace.rstrip().partition("\nCaused by ")
    head = f"{TRACEBACK}:{own}\n" if own else ""
    return f"{head}{error}{caused}{causes}"


def _level(name: str) -> Level:
    if name in ("ERROR", "CRITICAL", "FATAL"):
        return "error"
    return "warning" if name in ("WARNING", "WARN") else ""


def _parse_object(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _parse_json(document: dict[str, Any], text: str) -> Record | None:
    kind, record = document.get("type"), document.get("record")
    if isinstance(kind, str) and kind.startswith("platform.") and isinstance(record, dict):
        return _parse_platform(kind.removeprefix("platform."), record)
    message, level = document.get("message"), document.get("level")
    if isinstance(message, str) and (access := _parse_access(message)):
        return access
    if message is None and "errorMessage" in document:
        message = f"{document.get('errorType', '')}: {document['errorMessage']}".removeprefix(": ")
    if message is None or not isinstance(level, str | None):
        return Record("line", text=text)
    request_id = document.get("requestId")
    return Record(
        "line",
        request_id=request_id if isinstance(request_id, str) else "",
        level=_level(level or ""),
        text=_json_text(document, message, level or ""),
    )


def _json_text(document: dict[str, Any], message: Any, level: str) -> str:
    """Return a JSON record as people read it: level and message, what else it says, and its stack."""
    text = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
    extra = [f"{name}={_value(value)}" for name, value in document.items() if name not in _STANDARD and value is not None]
    lines = [" ".join(part for part in (level, text, *extra) if part)]
    stack = document.get("stackTrace")
    if isinstance(stack, list) and stack:
        lines += [f"{TRACEBACK}:", *("".join(map(_with_newline, stack)).rstrip("\n").split("\n"))]
        error = ": ".join(str(document[key]) for key in ("errorType", "errorMessage") if document.get(key))
        lines += [error] if error else []
    return "\n".join(lines)


def _with_newline(element: Any) -> str:
    text = str(element)
    return text if text.endswith("\n") else f"{text}\n"


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _parse_platform(name: str, record: dict[str, Any]) -> Record | None:
    kind = _PLATFORM_TYPES.get(name)
    if kind is None:
        return None
    metrics = record.get("metrics")
    numbers: dict[str, Any] = metrics if isinstance(metrics, dict) else {}
    status = str(record.get("status", "success"))
    is_report = kind == "report"
    return Record(
        kind,
        request_id=str(record.get("requestId", "")),
        version=str(record.get("version", "")),
        failure="" if status == "success" else status if status == "timeout" else str(record.get("errorType") or status),
        duration_ms=numbers.get("durationMs") if is_report else None,
        used_mb=int(numbers.get("maxMemoryUsedMB") or 0),
        memory_mb=int(numbers.get("memorySizeMB") or 0),
        init_ms=(numbers.get("initDurationMs") or numbers.get("restoreDurationMs")) if is_report else numbers.get("durationMs"),
    )
