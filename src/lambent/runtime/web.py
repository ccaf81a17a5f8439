"""Answers events with a web app: each becomes a request, and what the app makes of it goes back in one piece or as a stream."""

from __future__ import annotations

from .context import Context
from .environment import variable
from .fault import Fault, describe, refusal, xray
from .json_text import dump, parse
from .log import flush
from .loop import Stop
from .reply import Answer
from .request import NotHttp, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .api import Invocation, RuntimeApi
    from .hosts import Host
    from .log import Log
    from .request import Request

    Begin = Callable[[RuntimeApi, Log, Invocation, Request], Answer | None]


class WebServer:
    """A web app's host, and how its answers leave: LAMBENT_RESPONSE may say "stream"."""

    def __init__(self, host: Any) -> None:
        self._host: Host = host
        self._others = getattr(host, "others", None)
        self._base_path = variable("LAMBENT_BASE_PATH")
        self._begin: Begin | None = None
        self.close: Callable[[], None] = host.close
        if variable("LAMBENT_RESPONSE").lower() == "stream":
            from .streamed import begin

            self._begin = begin

    def serve(self, api: RuntimeApi, log: Log, invocation: Invocation) -> None:
        """Answers one event, whatever the app does."""
        try:
            try:
                event = parse(invocation.body)
            except ValueError as error:
                raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from None
            request = read(event, Context(invocation), self._base_path)
        except Exception as error:
            if self._others is not None and isinstance(error, NotHttp):
                self._others.serve(api, log, invocation)
            else:
                _refuse(api, log, invocation, error)
            return
        answer = self._begin(api, log, invocation, request) if self._begin is not None else None
        if answer is None:
            answer = Answer(request, lambda body: _deliver(api, log, invocation, request, body))
        try:
            self._host.handle(request, answer)
        except (SystemExit, KeyboardInterrupt, Stop):
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
    if status < 300:
        return
    size = f"{len(body):,} bytes as Lambda counts them (binary bodies grow by a third)"
    refused = refusal(status, reply, f"the answer to {request.method} {request.path}", size)
    if refused is not None:
        log.error(describe(refused, invocation.id))
