"""The function that takes the events a web app can't: a schedule's, a queue's, a bucket's.

`LAMBENT_EVENTS` ("module:function") names it. It is called like a handler, function(event, context), may be async, and its
result is posted like a handler's.
"""

from __future__ import annotations

from .app_loader import load_app
from .event_handler import EventHandler
from .fault import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .host import Host


def event_handler(name: str, host: Host) -> EventHandler:
    """Return the handler that calls the function; a coroutine runs on the event loop of `host`. Raise Fault."""
    function = _load(name)

    def call(event: Any, context: Any) -> Any:
        result = function(event, context)
        return host.run(_wait(result)) if hasattr(result, "__await__") else result

    return EventHandler(call)


def _load(name: str) -> Any:
    """Load the function. Raise Fault in AWS's words, with the name of the setting."""
    try:
        function = load_app(name)
    except Fault as error:
        raise Fault(error.kind, f'{error} ([tool.lambent] events = "{name}")', error.trace) from None
    if not callable(function):
        kind = type(function).__name__
        raise Fault("Runtime.HandlerNotFound", f'[tool.lambent] events = "{name}" is not a function but a {kind}')
    return function


async def _wait(awaitable: Any) -> Any:
    return await awaitable
