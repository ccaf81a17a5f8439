"""Answers events with a web app: each becomes a request, and its response goes back whole or as a stream."""

from __future__ import annotations

from .access_log import AccessLog
from .context import Context
from .environment import variable
from .fault import Fault, describe, refusal, xray
from .json_text import dump, parse
from .log import flush
from .request import NotHttp, read
from .response import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .api import Invocation, RuntimeApi
    from .check_watch import CheckWatch
    from .event_handler import EventHandler
    from .host import Host
    from .log import Log
    from .request import Request

    StreamingResponseFactory = Callable[[RuntimeApi, Log, Invocation, Request, Callable[[int], None]], Response | None]


class WebServer:
    """A web app behind its host. `events` handles what isn't an HTTP request. LAMBENT_RESPONSE may say "stream"."""

    def __init__(self, host: Host, events: EventHandler | None) -> None:
        self._host = host
        self._events = events
        self._base_path = variable("LAMBENT_BASE_PATH")
        self._access_log = AccessLog()
        self._streaming_response: StreamingResponseFactory | None = None
        self.close: Callable[[], None] = host.close
        if variable("LAMBENT_RESPONSE").lower() == "stream":
            from .streaming import streaming_response

            self._streaming_response = streaming_response

    def serve(self, api: RuntimeApi, log: Log, invocation: Invocation) -> None:
        """Answer one event, whatever the app does."""
        request = self._read(api, log, invocation)
        if request is None:
            return
        self._access_log.request(log, request)
        response = self._response(api, log, invocation, request)
        log.logged = None
        watch = _watch(request, response, self._host) if response.is_check else None
        try:
            self._host.handle(request, response)
        except (SystemExit, KeyboardInterrupt):
            if response.awaits_close:
                response.close()
            raise
        except BaseException as error:  # a cancelled task's error is not an Exception
            if not response.is_disconnect(error):
                record = describe(error, invocation.id)
                log.error(record)
                log.advise(error)
                if not response.ended:
                    response.fail(record)
        else:
            cause = response.error
            if watch is not None and cause is None and response.is_server_error:
                cause = watch.last(log.logged)
            if cause is not None:
                _explain_5xx(log, invocation, response, cause)
        if watch is not None:
            watch.stop()
        if response.streamed or response.awaits_close:
            response.close()
        log.logged = None  # it holds the frames of the request
        flush()

    def _read(self, api: RuntimeApi, log: Log, invocation: Invocation) -> Request | None:
        """Return the request of an event, or None if that is none and has been answered."""
        try:
            try:
                event = parse(invocation.body)
            except ValueError as error:
                raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from None
            return read(event, Context(invocation), self._base_path)
        except Exception as error:
            if self._events is not None and isinstance(error, NotHttp):
                self._events.serve(api, log, invocation)
            else:
                _refuse(api, log, invocation, error)
            return None

    def _response(self, api: RuntimeApi, log: Log, invocation: Invocation, request: Request) -> Response:
        def log_status(status: int) -> None:
            self._access_log.status(log, status)

        # A closure over the response would be a cycle, which outlives the request and costs a tenth of its time to collect.
        def explain(response: Response, error: BaseException) -> None:
            _explain_5xx(log, invocation, response, error)

        response = None
        if self._streaming_response is not None:
            response = self._streaming_response(api, log, invocation, request, log_status)
        if response is None:
            response = Response(request, lambda body: _deliver(api, log, invocation, request, body), log_status)
        response.explain = explain
        return response


def _watch(request: Request, response: Response, host: Host) -> CheckWatch:
    """Watch lambent's check, which reads the log that comes with its response."""
    from .check_watch import CheckWatch

    watch = CheckWatch(request.context, host.loop)
    watch.start()
    response.holds_all = not response.streamed
    return watch


def _explain_5xx(log: Log, invocation: Invocation, response: Response, error: BaseException) -> None:
    """Log the exception behind a 5xx if neither the app nor its framework has, or if lambent's own check gets the response."""
    if response.is_check or (response.awaits_close and not log.has_logged(error)):
        log.error(describe(error, invocation.id))
    log.advise(error)


def _refuse(api: RuntimeApi, log: Log, invocation: Invocation, error: Exception) -> None:
    """Make the invocation fail: there is no HTTP client that could be sent a status."""
    if isinstance(error, NotHttp):
        error = Fault("Function.NotHttp", str(error))
    record = describe(error, invocation.id)
    log.error(record)
    flush()
    api.fail(invocation, dump(record), record["errorType"], dump(xray(error)))


def _deliver(api: RuntimeApi, log: Log, invocation: Invocation, request: Request, body: bytes) -> None:
    flush()  # printed lines belong before the END line
    status, reply = api.respond(invocation, body)
    if status < 300:
        return
    size = f"{len(body):,} bytes as Lambda counts them (binary bodies grow by a third)"
    refused = refusal(status, reply, f"the response to {request.method} {request.path}", size)
    if refused is not None:
        log.error(describe(refused, invocation.id))
