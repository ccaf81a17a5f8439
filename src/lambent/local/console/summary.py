"""An invocation as a row of the console's timeline: what was asked, what was answered, and what it took. Pure."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, json

from lambent.local.engine.invocation import Invocation, Report
from lambent.local.engine.recorder import Execution

State = Literal["running", "ok", "failed", "refused"]

_TEXT_MAX = 300
_UNREADABLE = (ValueError, RecursionError)  # msgspec raises ValueErrors
_STREAM_END = b"\0" * 8
"""What ends the prelude of a streamed response."""


class Summary(Struct, frozen=True, omit_defaults=True):
    """`state` is "refused" if the function never got the event, and `error` says why; else it is the function's error.

    `kind` is "http", "command" (of `lambent run`), or the AWS service that the event is from, or "". `status` is the HTTP
    status, or 0. `alias` is how the function was called. Times are in milliseconds, since the epoch or durations; `init_ms` is
    set on a cold start.
    """

    id: int
    request_id: str
    region: str
    function: str
    version: str
    started_ms: int
    memory_mb: int
    state: State = "running"
    alias: str = ""
    ended_ms: int = 0
    duration_ms: float = 0.0
    init_ms: float | None = None
    used_mb: int = 0
    error: str = ""
    kind: str = ""
    method: str = ""
    path: str = ""
    status: int = 0
    replay_of: int = 0


class _Http(Struct):
    method: str = ""


class _RequestContext(Struct):
    http: _Http | None = None


class _Record(Struct):
    eventSource: str = ""
    EventSource: str = ""  # SNS writes it like this


class _Event(Struct):
    """The members that tell what sent an event."""

    rawPath: str = ""
    requestContext: _RequestContext | None = None
    httpMethod: str = ""
    path: str = ""
    Records: list[_Record] = []
    source: str = ""
    command: list[str] = []


class _Answer(Struct):
    statusCode: int | str = 200


class _Error(Struct):
    errorType: str = ""
    errorMessage: str = ""


_ERROR = json.Decoder(_Error)
_EVENT = json.Decoder(_Event)
_ANSWER = json.Decoder(_Answer)


def summarize(execution: Execution) -> Summary:
    function, invocation = execution.function, execution.invocation
    kind, method, path = _describe_event(invocation)
    report = (execution.outcome and execution.outcome.report) or Report("", 0.0, function.memory_mb, 0)
    state, error = _state(execution, report)
    return Summary(
        id=execution.id,
        request_id=invocation.request_id,
        region=function.region,
        function=function.name,
        version=function.version,
        started_ms=execution.started_ms,
        memory_mb=function.memory_mb,
        state=state,
        alias=qualifier(invocation.invoked_arn),
        ended_ms=execution.ended_ms,
        duration_ms=round(report.duration_ms, 2),
        init_ms=None if report.init_ms is None else round(report.init_ms, 2),
        used_mb=report.used_mb,
        error=error,
        kind=kind,
        method=method,
        path=path,
        status=_status(execution) if kind == "http" else 0,
        replay_of=invocation.replay_of,
    )


def qualifier(arn: str) -> str:
    """Return the version or alias in a function's ARN, or ""."""
    return arn.partition(":function:")[2].partition(":")[2]


def _state(execution: Execution, report: Report) -> tuple[State, str]:
    if not execution.ended_ms:
        return "running", ""
    if execution.outcome is None:
        return "refused", execution.refusal
    if not execution.outcome.function_error:
        return "ok", ""
    return "failed", _error(execution.outcome.payload) or report.error_type or report.status or "error"


def _error(payload: bytes) -> str:
    """Return type and message in what the runtime, or Lambda itself, says about an error."""
    try:
        error = _ERROR.decode(payload)
    except _UNREADABLE:
        return ""
    return ": ".join(part for part in (error.errorType, error.errorMessage) if part)[:_TEXT_MAX]


def _describe_event(invocation: Invocation) -> tuple[str, str, str]:
    """Return kind, method and path of an event."""
    try:
        event = _EVENT.decode(invocation.payload)
    except _UNREADABLE:
        return "", "", ""
    if event.command and '"lambent"' in invocation.client_context:  # of `lambent run`, without arguments, which may be secrets
        return "command", "", event.command[0][:_TEXT_MAX]
    if event.requestContext is not None and event.requestContext.http is not None:
        return "http", event.requestContext.http.method, event.rawPath[:_TEXT_MAX]
    if event.httpMethod:
        return "http", event.httpMethod, event.path[:_TEXT_MAX]
    source = next((record.eventSource or record.EventSource for record in event.Records), event.source)
    return source.removeprefix("aws:").removeprefix("aws.")[:_TEXT_MAX], "", ""


def _status(execution: Execution) -> int:
    """Return the status of the HTTP response, or 0 if there was none."""
    outcome = execution.outcome
    if outcome is None:
        return 0
    answer = outcome.payload
    if execution.streamed is not None:
        answer, end, _ = execution.streamed.partition(_STREAM_END)
        if not end:
            return 200  # the stream is the body itself
    elif outcome.function_error:
        return 502
    return _status_code(answer)


def _status_code(answer: bytes) -> int:
    try:
        return int(_ANSWER.decode(answer).statusCode)
    except _UNREADABLE:
        return 200 if answer[:1] != b"{" else 502
