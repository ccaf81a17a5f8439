"""The life of the process: start the app, then answer one event after the other until Lambda ends it."""

from __future__ import annotations

import posix
import sys
from _signal import SIGTERM, signal  # type: ignore[import-not-found]  # `signal` itself imports enum

from . import stack_dump
from .api import DEADLINE, TENANT, ConnectionLost, Invocation, RuntimeApi
from .app_loader import hidden_modules, load_app
from .environment import set_variable, variable
from .event_handler import EventHandler
from .fault import describe
from .json_text import dump
from .log import Log, flush
from .startup import start_app

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn, Protocol

    from .warm_start import WarmStart

    class Server(Protocol):
        """What answers events: `EventHandler` or `WebServer`."""

        def serve(self, api: RuntimeApi, log: Log, invocation: Invocation) -> None: ...
        def close(self) -> None: ...


_TRACE = "\nLambda-Runtime-Trace-Id: "


class Stop(BaseException):
    """SIGTERM arrived while the process was waiting for an event. Not an Exception, so that no app swallows it."""


class _Terminator:
    """Handles SIGTERM: ends the process at once while it waits for an event, otherwise after the current one."""

    def __init__(self) -> None:
        self.idle = False
        self.requested = False

    def __call__(self, number: int, frame: Any) -> None:
        self.requested = True
        if self.idle:
            raise Stop


def run() -> NoReturn:
    """Run until Lambda ends the process: status 0 after SIGTERM, 1 if the app could not be started."""
    warm_start = _fork()
    log = _open_log()
    stack_dump.enable()
    terminator = _Terminator()
    signal(SIGTERM, terminator)  # before the app is imported, so that the app's own handler wins
    process = posix.getpid()
    api = RuntimeApi(variable("AWS_LAMBDA_RUNTIME_API"))
    posix.register_at_fork(after_in_child=api.disown)
    server: Server | None = None
    try:
        stack_dump.watch_start()
        try:
            server, after_response = _start(api, log)
        finally:  # with commands, a failed start waits for one
            stack_dump.unwatch()
        if warm_start is not None:
            server = warm_start.watch(server)
        if variable("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            _pass_through_snapshot(api, log, terminator)
        _answer_events(api, server, log, terminator, after_response)
    except Stop:
        pass
    except SystemExit as exit_request:  # raised by the app; an ordinary exit would wait for its threads
        if posix.getpid() == process and not isinstance(server, EventHandler):  # a child that the app forked may exit
            _log_exit(log, exit_request)
        leave(_exit_status(exit_request))
    except (OSError, ConnectionLost) as error:
        log.line("ERROR", f"lambent: lost the Runtime API: {error}")
        leave(1)
    log.request_id = ""
    try:
        if server is not None:
            server.close()
    except Exception as error:
        log.error(describe(error, ""))
    leave(0)


def _fork() -> WarmStart | None:
    """Fork a process for each start that `lambent dev` repeats, and for each of several concurrent requests."""
    warm_start = None
    if variable("LAMBENT_WARM_START"):
        from .warm_start import fork_starts

        warm_start = fork_starts()
    workers = variable("AWS_LAMBDA_MAX_CONCURRENCY")
    if workers.isdigit() and workers != "0":
        from .workers import fork_workers

        fork_workers(int(workers))
    return warm_start


def _open_log() -> Log:
    """Return the log of the process, after the runtime has taken over `logging` and the standard streams."""
    log = Log()
    log.hook()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True)
    return log


def _log_exit(log: Log, exit_request: SystemExit) -> None:
    """Write where a web app asked to exit. Lambda itself only tells the status, and so does AWS's client of a handler."""
    record = describe(exit_request, "")
    if record["stackTrace"]:
        log.error(record)


def _exit_status(exit_request: SystemExit) -> int:
    """Return the status that Python would exit with, and print the message that Python would print."""
    if exit_request.code is None or isinstance(exit_request.code, int):
        return exit_request.code or 0
    flush()
    sys.stderr.write(f"{exit_request.code}\n")
    return 1


def _answer_events(
    api: RuntimeApi, server: Server, log: Log, terminator: _Terminator, after_response: Callable[[], None] | None
) -> None:
    modules, trackers = sys.modules, None
    while True:
        terminator.idle = True
        if terminator.requested:  # checked after `idle` is set: a signal in between would be lost otherwise
            return
        invocation = api.next()
        terminator.idle = False
        log.request_id = invocation.id
        log.tenant_id = invocation.header(TENANT) if TENANT in invocation.head else None
        set_variable("_X_AMZN_TRACE_ID", invocation.header(_TRACE) or None)
        server.serve(api, log, invocation)
        if after_response is not None:
            after_response()
        # The modules that `trackers` looks for. It is imported only for them, as it imports `threading`.
        if "sentry_sdk" in modules or "opentelemetry.sdk" in modules or "ddtrace" in modules:
            from .trackers import Trackers

            trackers = trackers or Trackers(log)
            trackers.flush(int(invocation.header(DEADLINE) or 0))


def _pass_through_snapshot(api: RuntimeApi, log: Log, terminator: _Terminator) -> None:
    from .snapstart import pass_through

    terminator.idle = True
    status = pass_through(api, log, Stop)
    terminator.idle = False
    if status:
        leave(status)


def _start(api: RuntimeApi, log: Log) -> tuple[Server, Callable[[], None] | None]:
    """Return what answers events, and what is called after each response, if anything is."""
    takes_commands = variable("LAMBENT_RUN") == "on"
    try:
        server, after_response = _load(log)
        if takes_commands:
            from .command_gate import CommandGate

            server = CommandGate(server)
        return server, after_response
    except (SystemExit, KeyboardInterrupt, Stop):
        raise
    except BaseException as error:
        record = describe(error, "")
        log.unhandled()
        for name in hidden_modules():
            log.line("WARNING", f"lambent: the module {name} is the app's own, and hides Python's")
        log.error(record)
        if "sentry_sdk" in sys.modules:
            from .trackers import Trackers, capture

            capture(error)
            Trackers(log).flush()  # first, since Lambda may end the process as soon as it knows
        flush()
        if takes_commands and variable("AWS_LAMBDA_INITIALIZATION_TYPE") == "on-demand":
            from .command_gate import CommandGate, FailedStart

            return CommandGate(FailedStart(record)), None
        api.fail_init(dump(record), record["errorType"])
        leave(1)


def _load(log: Log) -> tuple[Server, Callable[[], None] | None]:
    handler = variable("_HANDLER")
    if variable("LAMBENT_APP"):
        from .exec_wrapper import web_app

        app = web_app(log)
        if not app:
            return EventHandler(load_app(handler)), None
        handler = app
    host, events = start_app(handler, log)
    after_response, function = None, variable("LAMBENT_AFTER_RESPONSE")
    if function:
        from .after_response import caller

        after_response = caller(function, host, log)
    if host is not None:
        from .web_server import WebServer

        return WebServer(host, events), after_response
    assert events is not None
    return events, after_response


def leave(status: int) -> NoReturn:
    """End the process now: run its atexit functions, but don't wait for the app's threads."""
    import atexit

    atexit._run_exitfuncs()
    flush()
    stack_dump.exit_silently(status)
