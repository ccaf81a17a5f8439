"""Events that are no HTTP requests (a schedule, a queue, a bucket's) go to a function of the user's beside the web app.

`LAMBENT_EVENTS` ("module:function") names it. It is called as Lambda calls a handler, function(event, context), may be async,
and its result is posted as a bare handler's is.
"""

from __future__ import annotations

from .fault import Fault
from .function import FunctionHost
from .handler import find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from .hosts import Host
    from .reply import Answer
    from .request import Request

    Run = Callable[[Coroutine[Any, Any, Any]], Any]


class WithEvents:
    """A host of a web app, and `others` for the events that are no requests (`call`: the same, under AWS's client)."""

    def __init__(self, host: Host, name: str) -> None:
        self._host = host
        self.call = _callable(_find(name), getattr(host, "run", None) or _OwnLoop())
        self.others = FunctionHost(self.call)
        self.handle: Callable[[Request, Answer], None] = host.handle

    def start(self) -> None:
        self._host.start()

    def close(self) -> None:
        self._host.close()


def _find(name: str) -> Any:
    """Raises Fault, in AWS's words and with the name of the setting."""
    try:
        function = find(name)
    except Fault as error:
        raise Fault(error.kind, f'{error} ([tool.lambent] events = "{name}")', error.trace) from None
    if not callable(function):
        kind = type(function).__name__
        raise Fault("Runtime.HandlerNotFound", f'[tool.lambent] events = "{name}" is no function, but a {kind}')
    return function


def _callable(function: Any, run: Run) -> Callable[[Any, Any], Any]:
    def call(event: Any, context: Any) -> Any:
        result = function(event, context)
        return run(_wait(result)) if hasattr(result, "__await__") else result

    return call


async def _wait(result: Any) -> Any:
    return await result


class _OwnLoop:
    """An event loop for a function beside a WSGI app, made when it is first needed and kept."""

    _loop: Any = None

    def __call__(self, work: Coroutine[Any, Any, Any]) -> Any:
        import asyncio

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        return self._loop.run_until_complete(work)
