"""The function that takes the events a web app can't: a schedule's, a queue's, a bucket's.

`LAMBENT_EVENTS` ("module:function") names it. It is called like a handler, function(event, context), may be async, and its
result is posted like a handler's.
"""

from __future__ import annotations

from .app_loader import load_function
from .event_handler import EventHandler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .host import Host


def event_handler(name: str, host: Host) -> EventHandler:
    """Return the handler that calls the function; a coroutine runs on the event loop of `host`. Raise Fault."""
    function = load_function(name, f'[tool.lambent] events = "{name}"')

    def call(event: Any, context: Any) -> Any:
        return host.call(function, event, context)

    return EventHandler(call)
