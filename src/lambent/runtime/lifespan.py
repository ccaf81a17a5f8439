"""ASGI's lifespan: one start-up and one shutdown for the life of an execution environment.

https://asgi.readthedocs.io/en/latest/specs/lifespan.html. What counts as "not supported" follows uvicorn's "auto", except that
an app which began its start-up and then raised has failed.
"""

from __future__ import annotations

import asyncio
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CAUSE_TIMEOUT_S = 1.0
"""How long to wait, after `lifespan.startup.failed`, for the exception that caused it."""


class LifespanFailed(Exception):
    """The app reported that its start-up failed. The message is the app's."""


class Lifespan:
    """The lifespan protocol with one app. `state` is what its start-up leaves for the requests."""

    def __init__(self, app: Any, mode: str) -> None:
        self._app = app
        self._mode = mode  # "auto", or "on" if the app must support it
        self.state: dict[str, Any] = {}
        self._receives = 0
        self._message = ""
        self._failed = False
        self._cause: BaseException | None = None  # what the app was handling when it reported its failure, as Quart does
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when the app has started up or doesn't support lifespan. Raise what made its start-up fail."""
        loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = loop.create_future()
        self._shutdown: asyncio.Future[None] = loop.create_future()
        self._stopped: asyncio.Future[None] = loop.create_future()
        self._task = loop.create_task(self._converse())
        await asyncio.wait((self._ready, self._task), return_when=asyncio.FIRST_COMPLETED)
        if self._failed:
            await asyncio.wait((self._task,), timeout=_CAUSE_TIMEOUT_S)
        error = self._task.exception() if self._task.done() and not self._task.cancelled() else None
        if error is not None and (self._failed or self._receives or self._mode == "on"):
            raise error
        if self._failed and self._cause is not None:
            raise self._cause
        if self._failed:
            raise LifespanFailed(self._message or "the app's start-up failed (lifespan.startup.failed) without saying why")

    async def stop(self) -> None:
        """Let the app shut down. Raise whatever it raises."""
        if self._task is None or self._task.done():
            return
        self._shutdown.set_result(None)
        await asyncio.wait((self._stopped, self._task), return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            self._task.result()

    async def _converse(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        await self._app(scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        self._receives += 1
        if self._receives == 1:
            return {"type": "lifespan.startup"}
        if self._receives == 2:
            await self._shutdown
            return {"type": "lifespan.shutdown"}
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    async def _send(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind in ("lifespan.startup.complete", "lifespan.startup.failed"):
            self._failed = kind.endswith("failed")
            self._cause = sys.exc_info()[1] if self._failed else None
            self._message = message.get("message", "")
            if not self._ready.done():
                self._ready.set_result(None)
        elif kind in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
            if not self._stopped.done():
                self._stopped.set_result(None)
        else:
            raise RuntimeError(f"unexpected ASGI message {kind!r} in lifespan")
