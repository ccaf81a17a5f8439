"""Calls a handler function, `def handler(event, context)`, the way AWS's own client does (awslambdaric, bootstrap.py)."""

from __future__ import annotations

import sys

from .context import Context
from .fault import Fault, describe, refusal, xray
from .handler_result import marshaller, to_json
from .json_text import parse
from .log import flush

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .api import Invocation, RuntimeApi
    from .log import Log

ONLY_START = {"lambent": "only start"}
"""The event of a deploy's check of a handler that no made-up event suits: see `deployment/version_check.py`."""
_CONTENT_TYPE = "\nContent-Type: "


class EventHandler:
    """Calls a handler function, one event after the other."""

    def __init__(self, handler: Callable[[Any, Any], Any]) -> None:
        self.call = handler
        self._marshal = marshaller()

    def close(self) -> None:
        """There is nothing to close."""

    def serve(self, api: RuntimeApi, log: Log, invocation: Invocation) -> None:
        """Answer one event. SystemExit and KeyboardInterrupt are raised to the caller, and end the process."""
        try:
            event = event_of(invocation)
            context = Context(invocation)
            result = {"lambent": "started"} if event == ONLY_START else self.call(event, context)
            body, content_type = self._marshal(result)
        except Exception as error:
            fail(api, log, invocation, error)
            return
        flush()  # printed lines belong before the END line
        status, reply = api.respond(invocation, body, content_type)
        refused = refusal(status, reply, "the handler's result", f"{len(body):,} bytes")
        if refused is not None:
            log.error(describe(refused, invocation.id))


def event_of(invocation: Invocation) -> Any:
    """Return the event: the value of its JSON, or the raw bytes if it has another type."""
    if invocation.header(_CONTENT_TYPE) != "application/json":
        return invocation.body
    try:
        return parse(invocation.body)
    except ValueError as error:
        raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from None


def fail(api: RuntimeApi, log: Log, invocation: Invocation, error: Exception) -> None:
    """Make the invocation fail. The error's causes are logged but not posted, as in AWS's client."""
    record = describe(error, invocation.id)
    log.error(record)
    if "sentry_sdk" in sys.modules:
        from .trackers import capture

        capture(error)
    flush()
    posted = describe(error, invocation.id, causes=False)
    cause = to_json(xray(error), escaped=True).encode()
    api.fail(invocation, to_json(posted, escaped=True).encode(), record["errorType"], cause)
