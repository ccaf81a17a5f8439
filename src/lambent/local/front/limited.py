"""Reserved concurrency, counted over Function URLs and the Lambda API together."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from lambent.local.engine.invocation import Engine, Function, Invocation, Outcome, Stream, Throttled


class Reservations(Protocol):
    def reserved(self, region: str, function_name: str) -> int | None: ...


class Limited:
    """Invokes on the engine unless the function's reservation is used up. `running` is shared with the Lambda API."""

    def __init__(self, engine: Engine, reservations: Reservations, running: Counter[str]) -> None:
        self._engine = engine
        self._reservations = reservations
        self._running = running

    async def invoke(self, function: Function, invocation: Invocation) -> Outcome:
        self._enter(function)
        try:
            return await self._engine.invoke(function, invocation)
        finally:
            self._leave(function)

    async def stream(self, function: Function, invocation: Invocation) -> Stream:
        """It counts until the function is done, not only until its answer has begun."""
        self._enter(function)
        try:
            stream = await self._engine.stream(function, invocation)
        except BaseException:
            self._leave(function)
            raise
        stream.when_ended(lambda: self._leave(function))
        return stream

    def _enter(self, function: Function) -> None:
        limit = self._reservations.reserved(function.region, function.name)
        if limit is not None and self._running[function.arn] >= limit:
            raise Throttled
        self._running[function.arn] += 1

    def _leave(self, function: Function) -> None:
        self._running[function.arn] -= 1
