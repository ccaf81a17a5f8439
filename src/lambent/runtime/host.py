"""The base of the two hosts that call a web app: AsgiHost and WsgiHost."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from typing import Any

    from .request import Request
    from .response import Response


class Host:
    """Calls a web app, one request after the other."""

    _loop: Any = None

    @property
    def loop(self) -> Any:
        """The event loop, None if there is none yet."""
        return self._loop

    def start(self) -> None:
        """Start the app up. Raise whatever its start-up raises."""

    def handle(self, request: Request, response: Response) -> None:
        """Answer one request. Whatever the app raises is raised to the caller."""
        raise NotImplementedError

    def close(self) -> None:
        """Shut the app down."""

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine that belongs to the app but not to a request, and return its result.

        A host without an event loop gets one when it is first needed, and keeps it.
        """
        import asyncio

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        return self._loop.run_until_complete(work)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of the app outside of a request, and wait for its result if it is async."""
        result = function(*arguments)
        return self.run(_wait(result)) if hasattr(result, "__await__") else result


async def _wait(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
