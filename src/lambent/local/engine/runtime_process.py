"""One runtime process at a time, in its sandbox, with its Runtime API: what happens to it, one thing after the other."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum, auto

from msgspec import Struct

from lambent.local.sandbox.sandbox import Exit, Maker, Sandbox, Spec

from .response_stream import Channel
from .runtime_api import Event, RuntimeApi
from .runtime_states import State

_FREEZE_AFTER_S = 0.02
"""A short rest is not worth two signals to every process."""

_LAST_WORDS_S = 1.0


class Kind(Enum):
    READY = auto()
    RESPONSE = auto()
    TOO_LARGE = auto()
    ERROR = auto()
    INIT_ERROR = auto()
    TRUNCATED = auto()
    ENDED = auto()
    TIMEOUT = auto()


class Happened(Struct, frozen=True):
    """`exit` is there with ENDED; `payload` and `error_type` with what the runtime sent."""

    kind: Kind
    payload: bytes = b""
    error_type: str = ""
    exit: Exit | None = None


class RuntimeHost:
    """`open`, then `start` for each process; `happening` waits for the next thing; `close`. `heard` gets the output."""

    def __init__(self, maker: Maker, heard: Callable[[bytes], None]) -> None:
        self._maker = maker
        self._heard = heard
        self._api = RuntimeApi(self)
        self._sandbox: Sandbox | None = None
        self._alive = False
        self._queue: deque[Happened] = deque()
        self._waiter: asyncio.Future[Happened] | None = None
        self._settled: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._freezer: asyncio.TimerHandle | None = None
        self._frozen = False
        self._background: asyncio.Future[None] | None = None  # kept, since the loop holds tasks weakly

    @property
    def address(self) -> str:
        return self._api.address

    @property
    def ready(self) -> bool:
        """Whether there is a process and it waits for an event."""
        return self._alive and self._api.state is State.READY and self._api.listening

    async def open(self) -> None:
        await self._api.start()

    async def start(self, spec: Spec) -> None:
        """Starts a new process, the old one being ended first. Raises OSError."""
        await self.kill()
        old, self._sandbox = self._sandbox, None  # the end of the old one is no news any more
        self._alive = self._frozen = False
        self._api.restart()
        self._queue.clear()
        try:
            sandbox = self._sandbox = await self._maker.start(spec)
        except OSError:
            self._sandbox = old  # still holds what `close` gives up
            raise
        self._alive = True
        sandbox.listen(self._heard)
        asyncio.ensure_future(sandbox.wait()).add_done_callback(lambda done: self._on_end(sandbox, done.result()))

    def hand(self, event: Event, channel: Channel | None = None) -> None:
        self._queue.clear()  # it may have asked more than once
        self._api.hand(event, channel)

    async def heard_out(self) -> None:
        """After the process has ended: what it still had sent may be under way on the connection."""
        await self._api.hung_up(_LAST_WORDS_S)

    async def happening(self, timeout_s: float) -> Happened:
        """The next thing that happens, or TIMEOUT."""
        if self._queue:
            return self._queue.popleft()
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Happened] = loop.create_future()
        self._waiter = waiter
        timer = loop.call_later(timeout_s, self._put, Happened(Kind.TIMEOUT))
        try:
            return await waiter
        finally:
            timer.cancel()
            self._waiter = None

    def settle(self, timeout_s: float, settled: Callable[[], None]) -> None:
        """Calls `settled` when the process asks for its next event, or has ended. Kills it if it does neither in time."""
        if self.ready or not self._alive:
            self._queue.clear()
            settled()
            return
        self._settled = settled
        self._timer = asyncio.get_running_loop().call_later(max(timeout_s, 0), self._kill_late)

    def within_memory(self) -> bool:
        return self._sandbox is not None and self._sandbox.within_memory()

    def peak_memory_mb(self) -> int:
        return self._sandbox.peak_memory_mb() if self._sandbox is not None else 0

    def drain(self) -> None:
        if self._sandbox is not None:
            self._sandbox.drain()

    def rest(self) -> None:
        """Soon stops every process of it, as between invocations on AWS."""
        self._freezer = asyncio.get_running_loop().call_later(_FREEZE_AFTER_S, self._freeze)

    def wake(self) -> None:
        if self._freezer is not None:
            self._freezer.cancel()
            self._freezer = None
        if self._frozen and self._sandbox is not None and self._alive:
            self._sandbox.thaw()
        self._frozen = False

    async def kill(self) -> None:
        if self._sandbox is not None and self._alive:
            await self._sandbox.kill()

    async def close(self) -> None:
        self.wake()
        self._settled = None
        if self._timer is not None:
            self._timer.cancel()
        await self.kill()  # before its Runtime API goes, or it would complain of that in the function's log
        self._api.close()
        if self._sandbox is not None:
            await self._sandbox.close()

    # What the Runtime API tells:

    def on_ready(self) -> None:
        self._put(Happened(Kind.READY))

    def on_response(self, payload: bytes) -> None:
        self._put(Happened(Kind.RESPONSE, payload))

    def on_too_large(self) -> None:
        self._put(Happened(Kind.TOO_LARGE))

    def on_error(self, payload: bytes, error_type: str) -> None:
        self._put(Happened(Kind.ERROR, payload, error_type))

    def on_init_error(self, payload: bytes, error_type: str) -> None:
        self._put(Happened(Kind.INIT_ERROR, payload, error_type))

    def on_truncated(self) -> None:
        self._put(Happened(Kind.TRUNCATED))

    def _on_end(self, sandbox: Sandbox, ended: Exit) -> None:
        if sandbox is self._sandbox:
            self._alive = False
            self._put(Happened(Kind.ENDED, exit=ended))

    def _put(self, happened: Happened) -> None:
        if self._settled is not None and happened.kind in (Kind.READY, Kind.ENDED):
            settled, self._settled = self._settled, None
            if self._timer is not None:
                self._timer.cancel()
            settled()
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(happened)
        elif happened.kind is not Kind.TIMEOUT:
            self._queue.append(happened)

    def _freeze(self) -> None:
        self._freezer = None
        if self._alive and self._sandbox is not None:
            self._frozen = True
            self._sandbox.freeze()

    def _kill_late(self) -> None:
        self._background = asyncio.ensure_future(self.kill())
