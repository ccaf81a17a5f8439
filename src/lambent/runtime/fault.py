"""Errors in the form AWS's runtime client gives them: {errorMessage, errorType, requestId, stackTrace}.

Kinds and texts: awslambdaric's bootstrap.py and lambda_runtime_exception.py.
"""

from __future__ import annotations

import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

_HERE = __file__.rpartition("/")[0] + "/"


class Fault(Exception):
    """An error with a kind of its own, such as "Runtime.HandlerNotFound", and a trace that is not a Python traceback."""

    def __init__(self, kind: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.trace = trace or []


def describe(error: BaseException, request_id: str, *, causes: bool = True) -> dict[str, Any]:
    """The error in AWS's form. The trace begins where the app's own code does; causes follow it, each under its name."""
    if isinstance(error, Fault):
        kind, trace = error.kind, error.trace
    else:
        kind, trace = type(error).__name__, _frames(error.__traceback__)
    if causes:
        trace = trace + _causes(error, {id(error)})
    return {"errorMessage": _text(error), "errorType": kind, "requestId": request_id, "stackTrace": trace}


def xray(error: BaseException) -> dict[str, Any]:
    """What X-Ray is told of the error (header Lambda-Runtime-Function-XRay-Error-Cause)."""
    import traceback

    frames = [] if isinstance(error, Fault) else traceback.extract_tb(error.__traceback__)
    stack = [{"label": f.name, "path": f.filename, "line": f.lineno} for f in frames if not f.filename.startswith(_HERE)]
    kind = "LambdaValidationError" if isinstance(error, Fault) else type(error).__name__
    return {
        "working_directory": posix.getcwd(),
        "exceptions": [{"message": _text(error), "type": kind, "stack": stack}],
        "paths": sorted({str(frame["path"]) for frame in stack}),
    }


def refusal(status: int, reply: bytes, what: str, size: str) -> Fault | None:
    """The error that Lambda's reply to an answer (`what`, of that size) stands for; None if it was taken."""
    if status < 300:
        return None
    said = reply.decode("utf-8", "replace")
    if status == 413:
        return Fault("Function.ResponseSizeTooLarge", f"{what} is {size} and was refused: {said}")
    return Fault("Function.ResponseRefused", f"{what} was not accepted: {status} {said}")


def _frames(trace: TracebackType | None) -> list[str]:
    import traceback

    frames = traceback.extract_tb(trace)
    # Plain tuples, as AWS has it: no lines of ^^^^, which are noise in a log.
    own = [
        (frame.filename, frame.lineno or 0, frame.name, frame.line) for frame in frames if not frame.filename.startswith(_HERE)
    ]
    return traceback.format_list(own)


def _causes(error: BaseException, seen: set[int]) -> list[str]:
    """What led to the error: its cause or context, and the members of a group."""
    causes = list(getattr(error, "exceptions", ()))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        causes.append(before)
    lines: list[str] = []
    for cause in causes:
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        lines += [f"Caused by {type(cause).__name__}: {_text(cause)}\n", *_frames(cause.__traceback__), *_causes(cause, seen)]
    return lines


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return f"<{type(error).__name__} that cannot be printed>"
