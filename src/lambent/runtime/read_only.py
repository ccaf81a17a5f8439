"""What to do about an exception that says that the app can't write next to its code."""

from __future__ import annotations

from .environment import variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_EROFS = 30
_SQLITE = ("attempt to write a readonly database", "unable to open database file")


def advice(error: Any) -> str:
    """Return a line for the log, or "" if neither the exception nor its cause is about a file next to the code."""
    if variable("LAMBENT_WRITABLE"):
        return ""
    for each in (error, getattr(error, "__cause__", None) or getattr(error, "__context__", None)):
        path = _written(each)
        if path:
            return (
                f"lambent: the app writes to {path}, next to its code, but on Lambda only /tmp is writable: "
                "lambent deploy --writable runs it from a copy in /tmp"
            )
    return ""


def _written(error: Any) -> str:
    """Return what the app failed to write. A relative path counts: it starts from the folder of the code."""
    if isinstance(error, OSError) and error.errno == _EROFS and isinstance(error.filename, str):
        task = variable("LAMBDA_TASK_ROOT") + "/"
        path = error.filename[len(task) :] if error.filename.startswith(task) else error.filename
        return "" if path.startswith("/") else path
    text = str(error) if type(error).__name__ == "OperationalError" else ""
    return "a SQLite file" if any(sign in text for sign in _SQLITE) else ""
