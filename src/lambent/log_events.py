"""Events about what a deployed app was asked, answered and logged. See `events`."""

from __future__ import annotations

from msgspec import Struct

from lambent.events import Event


class LoggedLine(Struct, frozen=True):
    """A line that an app wrote, or a whole traceback. `level` is "error", "warning" or "" for anything else."""

    at_ms: int
    level: str
    text: str


class LoggedRequest(Event, frozen=True):
    """A request, or another invocation, as the log shows it. Milliseconds are of Unix time or durations.

    `method` and `path` are "" if it was no request, or if the app isn't hosted by lambent's runtime, and `status` is 0 then. A
    command of `lambent run` has the method "run", its first word as the path, and no status either.
    `failure` is "" or how it failed for Lambda: "timeout", or the type of an error. `init_ms` is set on a cold start.
    `failed` is true if it failed, if it was answered with 5xx, or if an error was logged. With `complete` false it is still
    running; what it logs later comes in an event with `continues`. Lines outside of any request have no `request_id`. `app` is
    "" if the command is about one app.
    """

    request_id: str
    at_ms: int
    app: str = ""
    version: str = ""
    method: str = ""
    path: str = ""
    status: int = 0
    failure: str = ""
    duration_ms: float | None = None
    used_mb: int = 0
    memory_mb: int = 0
    init_ms: float | None = None
    failed: bool = False
    complete: bool = True
    continues: bool = False
    lines: tuple[LoggedLine, ...] = ()


class LogText(Event, frozen=True):
    """An event of a log as AWS stores it. `stream` is the log stream, one for each environment."""

    at_ms: int
    stream: str
    text: str


class Invoked(Event, frozen=True):
    """The result of `lambent invoke`. `error` is "" or AWS's "Unhandled", and `request` is what the log says about it."""

    payload: str
    error: str
    request_id: str
    request: LoggedRequest


class CommandOutput(Event, frozen=True):
    """Output of a command that runs inside a function. `stream` is "stdout" or "stderr".

    Bytes that aren't UTF-8 are lone surrogates, as in Python's `surrogateescape`.
    """

    stream: str
    text: str


class CommandEnded(Event, frozen=True):
    """The exit status of a command, with the name of the signal that ended it, or ""."""

    status: int
    signal: str


class Queued(Event, frozen=True):
    """An event was queued for a function, which will get it soon."""

    function: str
    request_id: str
