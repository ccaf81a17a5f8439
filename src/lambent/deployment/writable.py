"""Apps that write next to their code: how that shows, and what lambent says when it runs one from a copy in /tmp. Pure."""

from __future__ import annotations

import re

from lambent.aws.values import Settings
from lambent.deployment.observed import Observed
from lambent.events import Warned
from lambent.package.artifact import WRITABLE

_TASK = "/var/task/"
_FILE = re.compile(r"Read-only file system: '([^']*)'")
_LOGGED = re.compile(r"lambent: the app writes to (.+?), next to its code, but on Lambda only")
"""What the function logs about an exception that the app has handled: `runtime/read_only.py`."""
_DATABASE = re.compile(r"attempt to write a readonly database|unable to open database file")  # SQLite


def is_writable(settings: Settings) -> bool:
    """Return whether a function with these settings runs its app from a copy in /tmp."""
    return WRITABLE in settings.environment


def was_writable(observed: Observed) -> bool:
    """Return whether an earlier deploy found that the app writes next to its code."""
    function = observed.live or observed.latest
    return function is not None and is_writable(function.settings)


def failed_write(text: str) -> str | None:
    """Return what the app failed to write next to its code ("instance/app.db"), from its error. None if that isn't the error.

    A relative path counts: a function starts in the folder of its code.
    """
    file = _FILE.search(text)
    if file is not None:
        path = file[1].removeprefix(_TASK).removeprefix(_TASK.rstrip("/"))
        return None if path.startswith("/") else path or "its own folder"
    return "a SQLite file" if _DATABASE.search(text) else None


def logged_write(log: str) -> str:
    """Return what an app that went on without it failed to write, from the log of a request. "" if there is no such thing."""
    match = _LOGGED.search(log)
    return match[1] if match else ""


def warning(path: str) -> Warned:
    """Return the line that says what it means that the app runs from a copy."""
    text = (
        f"the app writes to {path}, next to its code, so it runs from a copy in /tmp: what it writes is lost when an "
        "environment ends, and no other environment sees it"
    )
    return Warned(text, "keep what must last in a database or in S3; --no-writable leaves the code read-only")
