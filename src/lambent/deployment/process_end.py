"""Why a function's process ended, or was ended, before it had responded. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from lambent.aws.values import Settings
from lambent.config.live_environment import user_wrapper
from lambent.deployment import stack_dump
from lambent.deployment.environment_gaps import USE_REACHABLE
from lambent.deployment.failure import Failure
from lambent.limits import INIT_MAX_S, MEMORY_MAX_MB, TIMEOUT_MAX_S

_NOT_EXECUTABLE = re.compile(r"exec wrapper \S+ can't be run: Permission denied|exit status 126")
_SERVERS = {
    r'/pymongo/(?:\w+/)?topology\.py", line \d+ in _?select_server': "MongoDB",
    r'/psycopg2?/\S+", line \d+ in connect$': "PostgreSQL",
    r'/pymysql/connections\.py", line \d+ in connect$': "MySQL",
    r'/redis/connection\.py", line \d+ in _connect$': "Redis",
}
"""The lines of a stack in which a driver waits for a connection, and what it connects to."""
_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
"""What the message of an exit may ask for, such as DATABASE_URL."""


def _timed_out(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    """The function had no response in time, perhaps because its start took too long, or never ended."""
    settings = failure.settings
    server = re.search(
        r"Uvicorn running on|\* Running on http|======== Running on|Listening at: http|Serving on http", failure.lines
    )
    if server:
        where = f" ({failure.stopped_at})" if failure.stopped_at else ""
        what = f"the app starts a server of its own while it is imported{where}, and Lambda waits in vain for the import to end"
        return what, 'move that call below if __name__ == "__main__":'
    for pattern, name in _SERVERS.items():
        if re.search(pattern, stack_dump.find_dump(failure.lines), re.MULTILINE):
            what = f"the app waits for its {name} server, which doesn't answer on Lambda{failure.shortly_before}"
            return what, f"{USE_REACHABLE}; for a private one, set vpc in [tool.lambent]"
    if re.search(r"INIT_REPORT .*Status: timeout", failure.lines):
        what = f"the app needs more than {INIT_MAX_S:.0f} s to start: AWS starts it over within the request, which timed out"
        hint = f"--timeout {min(TIMEOUT_MAX_S, max(60, settings.timeout_s * 2))}, or --memory {_more(settings)}, which adds CPU"
        endless = (
            f"; if {failure.stopped_at} never ends, such as a loop, take it out of the start" if failure.stopped_at else ""
        )
        return f"{what}{failure.shortly_before}", hint + endless
    longer = min(TIMEOUT_MAX_S, max(30, settings.timeout_s * 2))
    what = f"the function timed out: no response within {settings.timeout_s} s at {settings.memory_mb} MB"
    return f"{what}{failure.shortly_before}", f"--timeout {longer}, or --memory {_more(settings)}, which adds CPU as well"


def _out_of_memory(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    """The function needed more memory than it has."""
    what = f"the function ran out of memory at {failure.settings.memory_mb} MB{failure.shortly_before}"
    if failure.settings.memory_mb >= MEMORY_MAX_MB:
        return what, "load less at once: no function can have more"
    return what, f"--memory {_more(failure.settings)}"


def _exited(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    """The process ended, by itself or by a signal."""
    if match[2] and match[2].startswith("signal: "):
        return _crashed(failure, match[2].removeprefix("signal: "))
    status = f" (exit status {match[2]})" if match[2] else ""
    if failure.exception.startswith("SystemExit"):
        fix = "fix what makes it call sys.exit, and deploy again; the log is below"
        variable = _VARIABLE.search(f"{failure.exception}\n{failure.traceback.partition('Traceback')[0]}")
        hint = f"--env {variable[0]}=VALUE, if its message asks for that; otherwise {fix}" if variable else fix
        return f"the app exits{status}{failure.where}", hint
    if failure.stopped_at:
        return f"the app ends its own process with os._exit{status} ({failure.stopped_at})", "fix what makes it call os._exit"
    return f"the function's process exited{status}", "look for sys.exit or os._exit; the log is below"


def _crashed(failure: Failure, signal: str) -> tuple[str, str]:
    where = f" ({failure.stopped_at})" if failure.stopped_at else ""
    hint = "the compiled code that it called there crashed: use another version of its package"
    if not where:
        hint = "compiled code crashed: --env PYTHONFAULTHANDLER=1 shows the line that called it"
    return f"the function's process was ended by a signal: {signal}{where}", hint


def _no_wrapper(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    """The program that starts the process can't be run: the user's own exec wrapper, or lambent's."""
    wrapper = user_wrapper(dict(failure.settings.environment))
    if not wrapper:
        return "the function's exec wrapper can't be run", "deploy again, which repairs it"
    hint = "add the layer that has it"
    if wrapper.startswith("/var/task/"):
        file = wrapper.removeprefix("/var/task/")
        hint = f"chmod +x {file}" if _NOT_EXECUTABLE.search(failure.lines) else f"check that {file} is there and in the zip"
    return f"the exec wrapper {wrapper} can't be run", f"{hint}, or remove AWS_LAMBDA_EXEC_WRAPPER"


def _more(settings: Settings) -> int:
    return min(MEMORY_MAX_MB, max(512, settings.memory_mb * 2))


LIMITS: tuple[tuple[str, Callable[[Failure, re.Match[str]], tuple[str, str]]], ...] = (
    (r"Sandbox\.Timedout|Task timed out after", _timed_out),
    (r"Runtime\.OutOfMemory|signal: killed|^(?:\[ERROR\] )?MemoryError\b", _out_of_memory),
)
"""What says that Lambda ended the process: these rows come first."""

TABLE: tuple[tuple[str, Callable[[Failure, re.Match[str]], tuple[str, str]]], ...] = (
    (r"Runtime exited with error: exit status (?:126|127)|Runtime\.InvalidEntrypoint", _no_wrapper),
    (r"Runtime exited (without providing a reason|with error: (?:exit status )?(.+))", _exited),
)
"""What only says that the process ended: these rows come last, since others may say why."""
