"""Reserved concurrency, counted over Function URLs and the Lambda API together."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from lambent.local.engine.interface import Engine, Function, Invocation, Outcome, Throttled


class Reservations(Protocol):
    def reserved(self, region: str, function_name: str) -> int | None: ...


class Limited:
    """Invokes on the engine unless the function's reservation is used up. `running` is shared with the Lambda API."""

    def __init__(self, engine: Engine, reservations: Reservations, running: Counter[str]) -> None:
        self._engine = engine
        self._reservations = reservations
        self._running = running

    async def invoke(self, function: Function, invocation: Invocation) -> Outcome:
        limit = self._reservations.reserved(function.region, function.name)
        if limit is not None and self._running[function.arn] >= limit:
            raise Throttled
        self._running[function.arn] += 1
        try:
            return await self._engine.invoke(function, invocation)
        finally:
            self._running[function.arn] -= 1
