"""Errors in the form of AWS's runtime client: {errorMessage, errorType, requestId, stackTrace}.

Kinds and messages follow awslambdaric's bootstrap.py and lambda_runtime_exception.py.
"""

from __future__ import annotations

import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OWN_FOLDER = __file__.rpartition("/")[0] + "/"


class Fault(Exception):
    """An error with a kind such as "Runtime.HandlerNotFound", and a trace that is not a Python traceback."""

    def __init__(self, kind: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.trace = trace or []


def describe(error: BaseException, request_id: str, *, causes: bool = True) -> dict[str, Any]:
    """Return the error in AWS's form. The trace starts at the app's own code; causes follow, each under its name."""
    if isinstance(error, Fault):
        kind, trace = error.kind, error.trace
    else:
        kind, trace = type(error).__name__, trace_lines(error)
    if causes:
        trace = trace + _causes(error, {id(error)})
    return {"errorMessage": _text(error), "errorType": kind, "requestId": request_id, "stackTrace": trace}


def xray(error: BaseException) -> dict[str, Any]:
    """Return the error in X-Ray's form (header Lambda-Runtime-Function-XRay-Error-Cause)."""
    import traceback

    frames = [] if isinstance(error, Fault) else traceback.extract_tb(error.__traceback__)
    stack = [{"label": f.name, "path": f.filename, "line": f.lineno} for f in frames if not f.filename.startswith(_OWN_FOLDER)]
    kind = "LambdaValidationError" if isinstance(error, Fault) else type(error).__name__
    return {
        "working_directory": posix.getcwd(),
        "exceptions": [{"message": _text(error), "type": kind, "stack": stack}],
        "paths": sorted({str(frame["path"]) for frame in stack}),
    }


def refusal(status: int, reply: bytes, what: str, size: str) -> Fault | None:
    """Return the error for Lambda's reply to a response (`what`, of that size), or None if it was accepted."""
    if status < 300:
        return None
    text = reply.decode("utf-8", "replace")
    if status == 413:
        return Fault("Function.ResponseSizeTooLarge", f"{what} is {size} and was refused: {text}")
    return Fault("Function.ResponseRefused", f"{what} was not accepted: {status} {text}")


def trace_lines(error: BaseException) -> list[str]:
    """Return the app's part of an error's traceback, without the runtime and the import system."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    # Plain tuples, as in AWS's client: they print no lines of ^^^^, which are noise in a log.
    app_frames = [
        (frame.filename, frame.lineno or 0, frame.name, frame.line)
        for frame in frames
        if not frame.filename.startswith((_OWN_FOLDER, "<frozen importlib"))
    ]
    file = error.filename if isinstance(error, SyntaxError) else None
    if isinstance(error, SyntaxError) and file and file[0] != "<":  # its own line isn't run, and so is in no frame
        app_frames.append((file, error.lineno or 0, "<module>", (error.text or "").strip()))
    return traceback.format_list(app_frames)


def _causes(error: BaseException, visited: set[int]) -> list[str]:
    """Describe what led to the error: its cause or context, and the members of a group."""
    causes = list(getattr(error, "exceptions", ()))
    origin = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if origin is not None:
        causes.append(origin)
    lines: list[str] = []
    for cause in causes:
        if not isinstance(cause, BaseException) or id(cause) in visited:
            continue
        visited.add(id(cause))
        lines += [
            f"Caused by {type(cause).__name__}: {_text(cause)}\n",
            *trace_lines(cause),
            *_causes(cause, visited),
        ]
    return lines


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return f"<{type(error).__name__} that cannot be printed>"
