"""The life of the process: find the app, start it, answer events until Lambda ends it."""

from __future__ import annotations

import os
import sys
from _signal import SIGTERM, signal  # type: ignore[import-not-found]  # `signal` itself brings enum

from .api import ConnectionLost, Invocation, RuntimeApi
from .context import Context
from .fault import Fault, describe, refusal, xray
from .handler import find
from .interface import interface
from .json_text import dump, parse
from .log import Log, flush
from .reply import Answer
from .request import NotHttp, Request, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn, Protocol

    from .function import FunctionHost

    class Host(Protocol):
        """What asgi.py and wsgi.py have in common."""

        def start(self) -> None: ...
        def handle(self, request: Request, answer: Answer) -> None: ...
        def close(self) -> None: ...

    Serve = Callable[[RuntimeApi, Log, Invocation], None]
    Begin = Callable[[RuntimeApi, Log, Invocation, Request], Answer | None]


_BASE_PATH = os.environ.get("LAMBENT_BASE_PATH", "")


class _Stop(BaseException):
    """SIGTERM came. Not an Exception, so that no app swallows it."""


class _Terminator:
    """Ends the process at SIGTERM: at once while it waits for an event, else when the running request is answered."""

    def __init__(self) -> None:
        self.idle = False
        self.asked = False

    def __call__(self, number: int, frame: Any) -> None:
        self.asked = True
        if self.idle:
            raise _Stop


def run() -> NoReturn:
    """Never returns: ends the process with status 0 after SIGTERM, 1 if the app could not be started."""
    log = Log()
    log.hook()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True)
    terminator = _Terminator()
    signal(SIGTERM, terminator)  # before the app is imported, so that one of its own wins
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        host = _start(api, log)
        if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            _pass_through_snapshot(api, log, terminator)
        _answer_events(api, host, log, terminator)
    except _Stop:
        pass
    except SystemExit as gone:  # the app's own; a plain exit would wait for its threads
        leave(_status(gone))
    except (OSError, ConnectionLost) as lost:
        log.line("ERROR", f"lambent: lost the Runtime API: {lost}")
        leave(1)
    log.request_id = ""
    try:
        host.close()
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


def _answer_events(api: RuntimeApi, host: Host | FunctionHost, log: Log, terminator: _Terminator) -> None:
    serve = _server(host)
    while True:
        terminator.idle = True
        if terminator.asked:  # asked for only now: a signal after it was looked at would be forgotten
            return
        invocation = api.next()
        terminator.idle = False
        log.request_id, log.tenant_id = invocation.id, invocation.headers.get("lambda-runtime-aws-tenant-id")
        _set_trace(invocation.headers.get("lambda-runtime-trace-id"))
        serve(api, log, invocation)


def _server(host: Any) -> Serve:
    """What answers an event: the host itself, if it takes events as they are, else ours, which makes requests of them."""
    if hasattr(host, "serve"):
        return host.serve  # type: ignore[no-any-return]
    if os.environ.get("LAMBENT_RESPONSE", "").lower() == "stream":
        from .streamed import begin

        return lambda api, log, invocation: _serve(api, host, log, invocation, begin)
    return lambda api, log, invocation: _serve(api, host, log, invocation)


def _pass_through_snapshot(api: RuntimeApi, log: Log, terminator: _Terminator) -> None:
    from .snapstart import pass_through

    terminator.idle = True
    status = pass_through(api, log, _Stop)
    terminator.idle = False
    if status:
        leave(status)


def _start(api: RuntimeApi, log: Log) -> Host | FunctionHost:
    try:
        host = make_host(find(os.environ["_HANDLER"]))
        host.start()
        return host
    except (SystemExit, KeyboardInterrupt, _Stop):
        raise
    except BaseException as error:
        record = describe(error, "")
        log.unhandled()
        log.error(record)
        flush()
        api.fail_init(dump(record), record["errorType"])
        leave(1)


def make_host(app: Any) -> Host | FunctionHost:
    """The host for an app. What it is, and whether it wants lifespan, may be said by LAMBENT_INTERFACE and LAMBENT_LIFESPAN."""
    kind = interface(app, os.environ.get("LAMBENT_INTERFACE", ""))
    if kind == "handler":
        from .function import FunctionHost

        return FunctionHost(app)
    others = os.environ.get("LAMBENT_EVENTS")
    if not others:
        return _web_host(app, kind)
    from .events import WithEvents

    return WithEvents(_web_host(app, kind), others)


def _web_host(app: Any, kind: str) -> Host:
    if kind == "asgi":
        from .asgi import AsgiHost

        return AsgiHost(app, os.environ.get("LAMBENT_LIFESPAN", "auto"))
    from .wsgi import WsgiHost

    return WsgiHost(app)


def _serve(api: RuntimeApi, host: Host, log: Log, invocation: Invocation, begin: Begin | None = None) -> None:
    """Answers one event, whatever the app does; as a stream if `begin` is given and has one for this request."""
    try:
        request = read(_event(invocation), Context(invocation), _BASE_PATH)
    except Exception as error:
        others = getattr(host, "others", None)
        if others is not None and isinstance(error, NotHttp):
            others.serve(api, log, invocation)
        else:
            _refuse(api, log, invocation, error)
        return
    answer = begin(api, log, invocation, request) if begin is not None else None
    if answer is None:
        answer = Answer(request, lambda body: _deliver(api, log, invocation, request, body))
    try:
        host.handle(request, answer)
    except (SystemExit, KeyboardInterrupt, _Stop):
        raise
    except BaseException as error:  # a cancelled task's, for one, is no Exception
        if not answer.explains(error):
            record = describe(error, invocation.id)
            log.error(record)
            if not answer.ended:
                answer.fail(record)
    if answer.streamed:
        answer.close()
    flush()


def _event(invocation: Invocation) -> Any:
    try:
        return parse(invocation.body)
    except ValueError as error:
        raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from None


def _refuse(api: RuntimeApi, log: Log, invocation: Invocation, error: Exception) -> None:
    """Makes the invocation fail: there is no client who could be given a status."""
    if isinstance(error, NotHttp):
        error = Fault("Function.NotHttp", str(error))
    record = describe(error, invocation.id)
    log.error(record)
    flush()
    api.fail(invocation, dump(record), record["errorType"], dump(xray(error)))


def _deliver(api: RuntimeApi, log: Log, invocation: Invocation, request: Request, body: bytes) -> None:
    flush()  # what was printed belongs before the END line
    status, reply = api.respond(invocation, body)
    size = f"{len(body):,} bytes as Lambda counts them (binary bodies grow by a third)"
    refused = refusal(status, reply, f"the answer to {request.method} {request.path}", size)
    if refused is not None:
        log.error(describe(refused, invocation.id))


def _set_trace(trace: str | None) -> None:
    if trace:
        os.environ["_X_AMZN_TRACE_ID"] = trace
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)


def leave(status: int) -> NoReturn:
    """Ends the process now, without waiting for threads of the app's, but with its atexit functions."""
    import atexit

    atexit._run_exitfuncs()
    flush()
    os._exit(status)
