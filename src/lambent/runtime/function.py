"""Hosts a bare handler, `def handler(event, context)`, with the semantics of AWS's own client (awslambdaric, bootstrap.py)."""

from __future__ import annotations

from .context import Context
from .fault import Fault, describe, refusal, xray
from .json_text import parse
from .log import flush
from .result import marshaller, to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .api import Invocation, RuntimeApi
    from .log import Log

_TYPE = "\nContent-Type: "


class FunctionHost:
    """Calls a handler, one event after the other."""

    def __init__(self, handler: Callable[[Any, Any], Any]) -> None:
        self._handler = handler
        self._marshal = marshaller()

    def start(self) -> None:
        """There is nothing to start: a handler has no lifespan."""

    def close(self) -> None:
        """There is nothing to close."""

    def call(self, event: Any, context: Any) -> Any:
        """The handler's result, for AWS's client to post."""
        return self._handler(event, context)

    def serve(self, api: RuntimeApi, log: Log, invocation: Invocation) -> None:
        """Answers one event. What is no Exception (SystemExit, KeyboardInterrupt) goes on, and ends the process."""
        try:
            context = Context(invocation)
            result = self._handler(event_of(invocation), context)
            body, kind = self._marshal(result)
        except Exception as error:
            fail(api, log, invocation, error)
            return
        flush()  # what was printed belongs before the END line
        status, reply = api.respond(invocation, body, kind)
        refused = refusal(status, reply, "the handler's result", f"{len(body):,} bytes")
        if refused is not None:
            log.error(describe(refused, invocation.id))


def event_of(invocation: Invocation) -> Any:
    """The event: the value of its JSON, or the bytes as they came if they are of another type."""
    if invocation.header(_TYPE) != "application/json":
        return invocation.body
    try:
        return parse(invocation.body)
    except ValueError as error:
        raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from None


def fail(api: RuntimeApi, log: Log, invocation: Invocation, error: Exception) -> None:
    """Makes the invocation fail. What led to the error is logged, but not posted: AWS's client does not."""
    record = describe(error, invocation.id)
    log.error(record)
    flush()
    posted = describe(error, invocation.id, causes=False)
    cause = to_json(xray(error), escaped=True).encode()
    api.fail(invocation, to_json(posted, escaped=True).encode(), record["errorType"], cause)
