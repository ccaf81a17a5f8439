"""Provisioned concurrency: environments that have ended their init before any event, and stay."""

from __future__ import annotations

import asyncio

from msgspec import Struct

from .invocation import EngineFault, Function, Provisioned, Throttled
from .pool import STARTS, Pool

INIT_FAILED = "FUNCTION_ERROR_INIT_FAILURE"  # AWS's name for it, docs: provisioned-concurrency


class _Wish(Struct, eq=False):
    count: int
    reason: str = ""
    filling: asyncio.Task[None] | None = None


class Provisions:
    """Keeps as many environments of each function as are wished for: one that is lost is made anew."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._wishes: dict[Function, _Wish] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        pool.on_lost = self._fill_later

    def put(self, function: Function, count: int) -> None:
        """From now on this many; 0 ends them. Returns at once."""
        self._wishes.pop(function, None)
        self._pool.trim(function, count)
        if count:
            self._wishes[function] = _Wish(count)
            self._fill_later(function)

    def forget(self, arn: str, version: str | None) -> None:
        """The function (None: with all its versions) is to go: nothing is made anew."""
        for function in [each for each in self._wishes if each.arn == arn and version in (None, each.version)]:
            del self._wishes[function]

    def state(self, function: Function) -> Provisioned:
        wish = self._wishes.get(function) or _Wish(0)
        ready = min(self._pool.provisioned(function, ready=True), wish.count)
        if ready == wish.count:
            return Provisioned(ready, "READY")
        return Provisioned(ready, "FAILED", wish.reason) if wish.reason else Provisioned(ready, "IN_PROGRESS")

    async def stop(self) -> None:
        self._wishes.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _fill_later(self, function: Function) -> None:
        wish = self._wishes.get(function)
        if wish is None or (wish.filling is not None and not wish.filling.done()):
            return
        wish.filling = asyncio.ensure_future(self._fill(function, wish))
        self._tasks.add(wish.filling)
        wish.filling.add_done_callback(self._tasks.discard)

    async def _fill(self, function: Function, wish: _Wish) -> None:
        wish.reason = ""
        while self._wishes.get(function) is wish:
            missing = wish.count - self._pool.provisioned(function)
            if missing <= 0 or wish.reason:
                return
            reasons = await asyncio.gather(*(self._one(function) for _ in range(min(missing, STARTS))))
            wish.reason = next(filter(None, reasons), "")

    async def _one(self, function: Function) -> str:
        """Why it could not be, or ""."""
        try:
            return "" if await self._pool.warm(function) else INIT_FAILED
        except Throttled:
            return "this machine has no room for more environments"
        except EngineFault as fault:
            return str(fault)
