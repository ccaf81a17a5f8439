"""The life of the process: find the app, start it, answer events until Lambda ends it."""

from __future__ import annotations

import posix
import sys
from _signal import SIGTERM, signal  # type: ignore[import-not-found]  # `signal` itself brings enum

from .api import TENANT, ConnectionLost, Invocation, RuntimeApi
from .environment import set_variable, variable
from .fault import describe
from .handler import find
from .hosts import make_host
from .json_text import dump
from .log import Log, flush

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn, Protocol

    class Server(Protocol):
        """What answers events: a bare handler's host, or a web app's behind `web.WebServer`."""

        def serve(self, api: RuntimeApi, log: Log, invocation: Invocation) -> None: ...
        def close(self) -> None: ...


_TRACE = "\nLambda-Runtime-Trace-Id: "


class Stop(BaseException):
    """SIGTERM came. Not an Exception, so that no app swallows it."""


class _Terminator:
    """Ends the process at SIGTERM: at once while it waits for an event, else when the running request is answered."""

    def __init__(self) -> None:
        self.idle = False
        self.asked = False

    def __call__(self, number: int, frame: Any) -> None:
        self.asked = True
        if self.idle:
            raise Stop


def run() -> NoReturn:
    """Never returns: ends the process with status 0 after SIGTERM, 1 if the app could not be started."""
    workers = variable("AWS_LAMBDA_MAX_CONCURRENCY")
    if workers.isdigit() and workers != "0":
        from .workers import divide

        divide(int(workers))
    log = Log()
    log.hook()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True)
    terminator = _Terminator()
    signal(SIGTERM, terminator)  # before the app is imported, so that one of its own wins
    api = RuntimeApi(variable("AWS_LAMBDA_RUNTIME_API"))
    posix.register_at_fork(after_in_child=api.disown)
    try:
        server = _start(api, log)
        if variable("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            _pass_through_snapshot(api, log, terminator)
        _answer_events(api, server, log, terminator)
    except Stop:
        pass
    except SystemExit as gone:  # the app's own; a plain exit would wait for its threads
        leave(_status(gone))
    except (OSError, ConnectionLost) as lost:
        log.line("ERROR", f"lambent: lost the Runtime API: {lost}")
        leave(1)
    log.request_id = ""
    try:
        server.close()
    except Exception as error:
        log.error(describe(error, ""))
    leave(0)


def _status(gone: SystemExit) -> int:
    """The exit status Python itself would give, and its text, if it has one, said as Python says it."""
    if gone.code is None or isinstance(gone.code, int):
        return gone.code or 0
    flush()
    sys.stderr.write(f"{gone.code}\n")
    return 1


def _answer_events(api: RuntimeApi, server: Server, log: Log, terminator: _Terminator) -> None:
    while True:
        terminator.idle = True
        if terminator.asked:  # asked for only now: a signal after it was looked at would be forgotten
            return
        invocation = api.next()
        terminator.idle = False
        log.request_id = invocation.id
        log.tenant_id = invocation.header(TENANT) if TENANT in invocation.head else None
        set_variable("_X_AMZN_TRACE_ID", invocation.header(_TRACE) or None)
        server.serve(api, log, invocation)


def _pass_through_snapshot(api: RuntimeApi, log: Log, terminator: _Terminator) -> None:
    from .snapstart import pass_through

    terminator.idle = True
    status = pass_through(api, log, Stop)
    terminator.idle = False
    if status:
        leave(status)


def _start(api: RuntimeApi, log: Log) -> Server:
    try:
        if variable("LAMBENT_SECRETS"):
            from .secrets import load

            load()
        if variable("LAMBENT_OVERFLOW"):
            from . import overflow

            overflow.load(log)
        host = make_host(find(variable("_HANDLER")))
        host.start()
        if hasattr(host, "serve"):
            return host  # type: ignore[return-value]
        from .web import WebServer

        return WebServer(host)
    except (SystemExit, KeyboardInterrupt, Stop):
        raise
    except BaseException as error:
        record = describe(error, "")
        log.unhandled()
        log.error(record)
        flush()
        api.fail_init(dump(record), record["errorType"])
        leave(1)


def leave(status: int) -> NoReturn:
    """Ends the process now, without waiting for threads of the app's, but with its atexit functions."""
    import atexit

    atexit._run_exitfuncs()
    flush()
    posix._exit(status)
