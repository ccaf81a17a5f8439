"""What AWS answers when the function itself failed. Pure. Payloads as recorded (`tests/recordings/invoke-and-url.json`)."""

from __future__ import annotations

import json
import signal
from datetime import UTC, date, datetime

from msgspec import Struct

from lambent import calendar, limits
from lambent.local.sandbox.sandbox import Exit

_SIGNALS = {
    signal.SIGSEGV: "segmentation fault",
    signal.SIGABRT: "aborted",
    signal.SIGKILL: "killed",
    signal.SIGTERM: "terminated",
}


class Failure(Struct, frozen=True):
    """`payload` is the invocation's answer; `error_type` is in it and in REPORT; `log` are lines for the log, before END."""

    payload: bytes
    error_type: str
    log: tuple[str, ...] = ()
    status: str = "error"


def timed_out(request_id: str, timeout_s: int, now: datetime, as_of: date) -> Failure:
    said = f"Task timed out after {timeout_s:.2f} seconds"
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
    log = (f"{stamp} {request_id} {said}", "")
    if as_of < calendar.MODERN_ERRORS:
        return Failure(_dump({"errorMessage": f"{stamp} {request_id} {said}"}), "Sandbox.Timedout", log, "timeout")
    payload = {"errorType": "Sandbox.Timedout", "errorMessage": f"RequestId: {request_id} Error: {said}"}
    return Failure(_dump(payload), "Sandbox.Timedout", log, "timeout")


def exited(request_id: str, ended: Exit, as_of: date) -> Failure:
    """The process ended before it answered: by itself, by a signal, or killed for its memory."""
    error_type = "Runtime.OutOfMemory" if ended.out_of_memory and as_of >= calendar.MODERN_ERRORS else "Runtime.ExitError"
    said = f"RequestId: {request_id} Error: {_describe(ended)}"
    return Failure(_dump({"errorType": error_type, "errorMessage": said}), error_type, (said, error_type))


def response_too_large(limit: int = limits.PAYLOAD_MAX) -> Failure:
    error_type = "Function.ResponseSizeTooLarge"
    said = f"Response payload size exceeded maximum allowed payload size ({limit} bytes)."
    return Failure(_dump({"errorType": error_type, "errorMessage": said}), error_type)


def truncated(request_id: str) -> Failure:
    """The runtime hung up in the middle of a streamed answer, and lives on. The words are a guess."""
    error_type = "Runtime.TruncatedResponse"
    said = f"RequestId: {request_id} Error: the response stream was truncated"
    return Failure(_dump({"errorType": error_type, "errorMessage": said}), error_type, (said, error_type))


def reported(payload: bytes, error_type: str) -> Failure:
    """The runtime told of the error itself, with the function's traceback; what it sent is the answer. REPORT has no status."""
    return Failure(payload, error_type, status="")


def _describe(ended: Exit) -> str:
    if ended.out_of_memory:
        return "Runtime exited with error: signal: killed"
    if ended.signal is not None:
        return f"Runtime exited with error: signal: {_SIGNALS.get(signal.Signals(ended.signal), _name(ended.signal))}"
    if ended.status:
        return f"Runtime exited with error: exit status {ended.status}"
    return "Runtime exited without providing a reason"


def _name(number: int) -> str:
    return (signal.strsignal(number) or f"signal {number}").lower()


def _dump(payload: dict[str, str]) -> bytes:
    return json.dumps(payload, separators=(",", ":")).encode()
