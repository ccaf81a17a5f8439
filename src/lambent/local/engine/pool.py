"""Which environment takes an invocation: a warm one, one that is about to be free, or a new one."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable

from msgspec import Struct, field

from .execution_environment import Execution, Keeper
from .invocation import Function, Throttled

CONCURRENCY = 1000
"""An account's concurrent executions, as AWS gives by default."""

_GRACE_S = 0.05
"""How long an invocation waits for an environment that has answered and is about to ask for its next event."""

STARTS = max(8, 4 * (os.cpu_count() or 1))
"""Environments that start at the same time. More only make each other late; an invocation above waits for its turn."""

_MB_EACH = 64
_SWEEP_S = 5.0


def machine_limit() -> int:
    """How many environments fit into this machine's memory, the account's concurrency at most."""
    try:
        megabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1 << 20)
    except (ValueError, OSError):
        return CONCURRENCY
    return min(CONCURRENCY, max(8, megabytes // _MB_EACH))


class _Shelf(Struct):
    """The environments of one function version."""

    idle: list[Execution] = field(default_factory=list)
    busy: set[Execution] = field(default_factory=set)
    answered: int = 0
    waiters: deque[asyncio.Future[Execution | None]] = field(default_factory=deque)


class Pool:
    """`make` gives a new environment, with the pool as its keeper."""

    def __init__(self, make: Callable[[Function, Keeper], Execution], idle_s: float) -> None:
        self._make = make
        self._idle_s = idle_s
        self._limit = machine_limit()
        self._shelves: dict[Function, _Shelf] = {}
        self._starting = 0
        self._turns: deque[asyncio.Future[Execution | None]] = deque()
        self._closing: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._stopped = False
        self.on_lost: Callable[[Function], None] = lambda function: None
        """Told of a function that has lost a provisioned environment."""

    async def acquire(self, function: Function) -> Execution:
        """Raises Throttled, or EngineFault when a new environment cannot be made."""
        waited = False
        while True:
            shelf = self._shelves.setdefault(function, _Shelf())
            if shelf.idle:
                execution = _pick(shelf.idle)
                shelf.busy.add(execution)
                return execution
            if shelf.answered > len(shelf.waiters) and not waited:
                waited = True
                handed = await self._wait(shelf.waiters, timeout_s=_GRACE_S)
            elif self._starting >= STARTS:
                handed = await self._wait(shelf.waiters, self._turns)
            else:
                return await self._start(function, shelf)
            if handed is not None:
                return handed

    async def warm(self, function: Function) -> bool:
        """Adds a provisioned environment. Whether its init went well; if not it is gone again. Raises as `acquire`."""
        execution = await self._start(function, self._shelves.setdefault(function, _Shelf()), provisioned=True)
        try:
            went_well = await execution.warm()
        except BaseException:
            self._drop(execution)
            raise
        if went_well:
            self.answered(execution)
            self.release(execution)
        else:
            self._drop(execution)
        return went_well

    def provisioned(self, function: Function, *, ready: bool = False) -> int:
        """How many provisioned environments it has, or how many of them have ended their init."""
        return sum(each.started for each in self._provisioned(function)) if ready else len(self._provisioned(function))

    def trim(self, function: Function, most: int) -> None:
        """Ends provisioned environments above this number, those that are busy after their event."""
        shelf = self._shelves.get(function, _Shelf())
        for execution in self._provisioned(function)[most:]:
            execution.retired = True
            if execution in shelf.idle:
                shelf.idle.remove(execution)
                self._close(execution)

    def _provisioned(self, function: Function) -> list[Execution]:
        shelf = self._shelves.get(function, _Shelf())
        return [each for each in (*shelf.busy, *shelf.idle) if each.provisioned and not each.retired]

    def answered(self, execution: Execution) -> None:
        """It has answered; `release` follows when it is free."""
        self._shelves[execution.function].answered += 1

    def started(self) -> None:
        """An environment has ended its init phase (or failed): the next may start."""
        self._starting -= 1
        _wake(self._turns)

    def release(self, execution: Execution) -> None:
        shelf = self._shelves[execution.function]
        shelf.answered -= 1
        if execution.retired or self._stopped:
            self.discard(execution)
            return
        while shelf.waiters:
            waiter = shelf.waiters.popleft()
            if not waiter.done():
                waiter.set_result(execution)
                return
        shelf.busy.discard(execution)
        shelf.idle.append(execution)
        execution.rest()
        if self._sweeper is None:
            self._sweep_later()

    def discard(self, execution: Execution) -> None:
        """Ends an environment, whatever it does."""
        self._drop(execution)
        if execution.provisioned:
            self.on_lost(execution.function)

    def _drop(self, execution: Execution) -> None:
        shelf = self._shelves.get(execution.function)
        if shelf is not None:
            shelf.busy.discard(execution)
            if not shelf.busy and not shelf.idle and not shelf.waiters:
                del self._shelves[execution.function]
        self._close(execution)

    async def retire(self, arn: str, version: str | None) -> None:
        """Ends the idle environments of a function (of one version, or of all), and marks the busy ones."""
        for function, shelf in list(self._shelves.items()):
            if function.arn != arn or version not in (None, function.version):
                continue
            for execution in shelf.busy:
                execution.retired = True
            idle, shelf.idle = shelf.idle, []
            for execution in idle:
                self._close(execution)
            if not shelf.busy and not shelf.waiters:
                del self._shelves[function]
        await self._closed()

    async def stop(self) -> None:
        self._stopped = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for shelf in self._shelves.values():
            for execution in [*shelf.idle, *shelf.busy]:
                self._close(execution)
            shelf.idle = []
            shelf.busy = set()
        await self._closed()

    def describe(self) -> dict[str, object]:
        counts: dict[str, object] = {}
        for function, shelf in self._shelves.items():
            if shelf.idle or shelf.busy:
                counts[f"{function.name}:{function.version}"] = {"idle": len(shelf.idle), "busy": len(shelf.busy)}
        return counts

    async def _start(self, function: Function, shelf: _Shelf, *, provisioned: bool = False) -> Execution:
        if sum(len(each.idle) + len(each.busy) for each in self._shelves.values()) >= self._limit:
            self._evict()
        self._starting += 1
        execution = self._make(function, self)
        execution.provisioned = provisioned
        shelf.busy.add(execution)
        try:
            await execution.prepare()
        except BaseException:
            self._drop(execution)
            self.started()
            raise
        return execution

    def _evict(self) -> None:
        """Ends the environment that has been idle for longest. Raises Throttled when none is idle."""
        idle = [
            (execution.last_used, shelf, execution)
            for shelf in self._shelves.values()
            for execution in shelf.idle
            if not execution.provisioned
        ]
        if not idle:
            raise Throttled
        _, shelf, execution = min(idle, key=lambda entry: entry[0])
        shelf.idle.remove(execution)
        self._close(execution)

    async def _wait(self, *queues: deque[asyncio.Future[Execution | None]], timeout_s: float | None = None) -> Execution | None:
        """Waits in all these queues at once. None: look again."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Execution | None] = loop.create_future()
        for queue in queues:
            queue.append(future)
        timer = loop.call_later(timeout_s, _look_again, future) if timeout_s else None
        try:
            return await future
        finally:
            if timer is not None:
                timer.cancel()
            for queue in queues:
                if future in queue:
                    queue.remove(future)

    def _close(self, execution: Execution) -> None:
        task = asyncio.ensure_future(execution.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _closed(self) -> None:
        while self._closing:
            await asyncio.gather(*self._closing, return_exceptions=True)

    def _sweep_later(self) -> None:
        self._sweeper = asyncio.get_running_loop().call_later(min(_SWEEP_S, self._idle_s / 2), self._sweep)

    def _sweep(self) -> None:
        """Ends what has been idle for too long."""
        self._sweeper = None
        expired = time.monotonic() - self._idle_s
        for function, shelf in list(self._shelves.items()):
            for execution in [each for each in shelf.idle if each.last_used < expired and not each.provisioned]:
                shelf.idle.remove(execution)
                self._close(execution)
            if not shelf.idle and not shelf.busy and not shelf.waiters:
                del self._shelves[function]
        if any(shelf.idle for shelf in self._shelves.values()):
            self._sweep_later()


def _pick(idle: list[Execution]) -> Execution:
    """Takes a provisioned one before the others, else the one that was used last."""
    place = next((number for number, each in enumerate(idle) if each.provisioned), -1)
    return idle.pop(place)


def _look_again(future: asyncio.Future[Execution | None]) -> None:
    if not future.done():
        future.set_result(None)


def _wake(queue: deque[asyncio.Future[Execution | None]]) -> None:
    while queue:
        waiter = queue.popleft()
        if not waiter.done():
            waiter.set_result(None)
            return
