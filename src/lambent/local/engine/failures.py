"""What AWS responds when the function itself failed. Pure. Payloads as recorded (`tests/recordings/invoke-and-url.json`)."""

from __future__ import annotations

import json
import signal
from datetime import UTC, date, datetime

from msgspec import Struct

from lambent import calendar
from lambent.local.sandbox.sandbox import ProcessExit

from .runtime_events import EventKind, RuntimeEvent

_SIGNALS = {
    signal.SIGSEGV: "segmentation fault",
    signal.SIGABRT: "aborted",
    signal.SIGKILL: "killed",
    signal.SIGTERM: "terminated",
}


class Failure(Struct, frozen=True):
    """`payload` is the response to the invocation. `error_type` also goes into REPORT, and `log` into the log before END.

    `status` is that of REPORT: "error", "timeout" or "".
    """

    payload: bytes
    error_type: str
    log: tuple[str, ...] = ()
    status: str = "error"


def from_event(event: RuntimeEvent, request_id: str, timeout_s: int, now: datetime, as_of: date) -> Failure | None:
    """Return AWS's response to what the runtime process did, or None if that was no failure."""
    match event.kind:
        case EventKind.READY | EventKind.RESPONSE | EventKind.PARENT | EventKind.MODULES:
            return None
        case EventKind.ERROR | EventKind.INIT_ERROR:  # the runtime's own words, with the traceback; REPORT has no status
            return Failure(event.payload, event.error_type, status="")
        case EventKind.TOO_LARGE:
            return _too_large(event.limit)
        case EventKind.TRUNCATED:
            return _truncated(request_id)
        case EventKind.EXITED:
            assert event.exit is not None
            return _exited(request_id, event.exit, as_of)
        case EventKind.TIMEOUT:
            return _timed_out(request_id, timeout_s, now, as_of)


def _timed_out(request_id: str, timeout_s: int, now: datetime, as_of: date) -> Failure:
    message = f"Task timed out after {timeout_s:.2f} seconds"
    timestamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
    log = (f"{timestamp} {request_id} {message}", "")
    if as_of < calendar.MODERN_ERRORS:
        return Failure(_dump({"errorMessage": f"{timestamp} {request_id} {message}"}), "Sandbox.Timedout", log, "timeout")
    payload = {"errorType": "Sandbox.Timedout", "errorMessage": f"RequestId: {request_id} Error: {message}"}
    return Failure(_dump(payload), "Sandbox.Timedout", log, "timeout")


def _exited(request_id: str, exit: ProcessExit, as_of: date) -> Failure:
    """The process ended before it responded: by itself, by a signal, or killed for its memory."""
    error_type = "Runtime.OutOfMemory" if exit.out_of_memory and as_of >= calendar.MODERN_ERRORS else "Runtime.ExitError"
    message = f"RequestId: {request_id} Error: {_describe(exit)}"
    return Failure(_dump({"errorType": error_type, "errorMessage": message}), error_type, (message, error_type))


def _too_large(limit: int) -> Failure:
    error_type = "Function.ResponseSizeTooLarge"
    message = f"Response payload size exceeded maximum allowed payload size ({limit} bytes)."
    return Failure(_dump({"errorType": error_type, "errorMessage": message}), error_type)


def _truncated(request_id: str) -> Failure:
    """The runtime closed the connection in the middle of a streamed response and is still alive. The wording is a guess."""
    error_type = "Runtime.TruncatedResponse"
    message = f"RequestId: {request_id} Error: the response stream was truncated"
    return Failure(_dump({"errorType": error_type, "errorMessage": message}), error_type, (message, error_type))


def _describe(exit: ProcessExit) -> str:
    if exit.out_of_memory:
        return "Runtime exited with error: signal: killed"
    if exit.signal is not None:
        return f"Runtime exited with error: signal: {_SIGNALS.get(signal.Signals(exit.signal), _signal_name(exit.signal))}"
    if exit.status:
        return f"Runtime exited with error: exit status {exit.status}"
    return "Runtime exited without providing a reason"


def _signal_name(number: int) -> str:
    return (signal.strsignal(number) or f"signal {number}").lower()


def _dump(payload: dict[str, str]) -> bytes:
    return json.dumps(payload, separators=(",", ":")).encode()
