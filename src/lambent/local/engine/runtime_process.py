"""One runtime process at a time, in its sandbox and with its Runtime API."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Awaitable, Callable

from lambent.local.sandbox.sandbox import ProcessExit, Sandbox, SandboxFactory, SandboxSpec
from lambent.local.sandbox.socket_owner import Address

from .response_stream import ResponseStream
from .runtime_api import NextInvocation, RuntimeApi
from .runtime_events import EventKind, RuntimeEvent
from .runtime_states import State

_FREEZE_AFTER_S = 0.02
"""A shorter pause is not worth two signals to every process."""

API_PORT = 9001
"""AWS's port of the Runtime API."""

_DISCONNECT_S = 1.0
_KILL_S = 0.5


ServeClients = Callable[[socket.socket], Awaitable[asyncio.Server]]
"""Answers the connections to a socket as those to the service's own address."""


class RuntimeProcess:
    """Call `open` once, `start` for each process, `next_event` to wait for what it does, and `close` at the end.

    In a sandbox with a network of its own, `serve_clients` gets the socket that listens at the service's address.
    """

    def __init__(
        self, factory: SandboxFactory, on_output: Callable[[bytes], None], serve_clients: ServeClients | None = None
    ) -> None:
        self._factory = factory
        self._on_output = on_output
        self._serve_clients = serve_clients
        self._clients_server: asyncio.Server | None = None
        self._api = RuntimeApi(self._on_event, self._owns_client)
        self._sandbox: Sandbox | None = None
        self._alive = False
        self._events: deque[RuntimeEvent] = deque()
        self._waiter: asyncio.Future[RuntimeEvent] | None = None
        self._on_idle: Callable[[], None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._freezer: asyncio.TimerHandle | None = None
        self._frozen = False
        self._killing: asyncio.Future[None] | None = None  # the loop itself holds tasks only weakly

    @property
    def address(self) -> str:
        return self._api.address

    @property
    def ready(self) -> bool:
        """Whether there is a process that waits for an event."""
        return self._alive and self._api.state is State.READY and self._api.polling

    async def open(self, port: int = API_PORT) -> None:
        """Prepare the Runtime API. In a sandbox with a network of its own it will listen on `port`."""
        if self._factory.own_network:
            self._api.address = f"127.0.0.1:{port}"
        else:
            await self._api.start()

    async def start(self, spec: SandboxSpec) -> None:
        """Start a new process in place of the previous one. Raises OSError."""
        await self.kill()
        previous, self._sandbox = self._sandbox, None  # so that the end of the previous process is not an event
        self._alive = self._frozen = False
        self._api.restart()
        self._events.clear()
        try:
            sandbox = self._sandbox = await self._factory.start(spec)
        except OSError:
            self._sandbox = previous  # `close` must still close it
            raise
        self._alive = True
        await self._serve(sandbox.listeners)
        sandbox.listen(self._on_output)
        asyncio.ensure_future(sandbox.wait()).add_done_callback(lambda task: self._on_exit(sandbox, task.result()))

    def send(self, invocation: NextInvocation, stream: ResponseStream | None = None) -> None:
        self._events.clear()  # it may have asked more than once
        self._api.send(invocation, stream)

    async def next_event(self, timeout_s: float) -> RuntimeEvent:
        """Wait for the next event. After `timeout_s` it is TIMEOUT."""
        if self._events:
            return self._events.popleft()
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[RuntimeEvent] = loop.create_future()
        self._waiter = waiter
        timer = loop.call_later(timeout_s, self._on_event, RuntimeEvent(EventKind.TIMEOUT))
        try:
            return await waiter
        finally:
            timer.cancel()
            self._waiter = None

    def when_idle(self, timeout_s: float, callback: Callable[[], None]) -> None:
        """Call back when the process asks for its next event or has ended. If it does neither in time, kill it."""
        if self.ready or not self._alive:
            self._events.clear()
            callback()
            return
        self._on_idle = callback
        self._deadline = asyncio.get_running_loop().call_later(max(timeout_s, 0), self._kill_in_background)

    async def wait_disconnected(self) -> None:
        """After the process has ended, wait for what it had sent and is still on the way."""
        await self._api.wait_disconnected(_DISCONNECT_S)

    def within_memory(self) -> bool:
        return self._sandbox is not None and self._sandbox.within_memory()

    def peak_memory_mb(self) -> int:
        return self._sandbox.peak_memory_mb() if self._sandbox is not None else 0

    def mapped_files(self) -> set[str]:
        return self._sandbox.mapped_files() if self._sandbox is not None else set()

    def drain(self) -> None:
        if self._sandbox is not None:
            self._sandbox.drain()

    def freeze_soon(self) -> None:
        """Stop all its processes in a moment, as AWS does between invocations."""
        self._freezer = asyncio.get_running_loop().call_later(_FREEZE_AFTER_S, self._freeze)

    def thaw(self) -> None:
        if self._freezer is not None:
            self._freezer.cancel()
            self._freezer = None
        if self._frozen and self._sandbox is not None and self._alive:
            self._sandbox.thaw()
        self._frozen = False

    async def kill(self) -> None:
        if self._sandbox is not None and self._alive:
            await self._sandbox.kill()

    async def kill_soon(self) -> None:
        """Kill the process. Returns when that is done, or goes on in the background if it takes long."""
        await asyncio.wait((self._kill_in_background(),), timeout=_KILL_S)

    def _kill_in_background(self) -> asyncio.Future[None]:
        self._killing = asyncio.ensure_future(self.kill())
        return self._killing

    async def close(self) -> None:
        self.thaw()
        self._on_idle = None
        if self._deadline is not None:
            self._deadline.cancel()
        await self.kill()  # before its Runtime API closes, or it would log an error about that
        self._api.close()
        self._close_clients()
        if self._sandbox is not None:
            await self._sandbox.close()

    async def _serve(self, listeners: tuple[socket.socket, ...]) -> None:
        """Serve the Runtime API, and then the service's address. A later process in the same namespaces has the same ones."""
        if not listeners:
            return
        await self._api.serve(listeners[0])
        if self._serve_clients is not None:
            self._close_clients()
            self._clients_server = await self._serve_clients(listeners[1])

    def _close_clients(self) -> None:
        if self._clients_server is not None:
            self._clients_server.close()

    def _owns_client(self, client: Address, server: Address) -> bool:
        return self._sandbox is not None and self._sandbox.owns_client(client, server)

    def _on_exit(self, sandbox: Sandbox, exit: ProcessExit) -> None:
        if sandbox is self._sandbox:
            self._alive = False
            self._on_event(RuntimeEvent(EventKind.EXITED, exit=exit))

    def _on_event(self, event: RuntimeEvent) -> None:
        if self._on_idle is not None and event.kind in (EventKind.READY, EventKind.EXITED):
            callback, self._on_idle = self._on_idle, None
            if self._deadline is not None:
                self._deadline.cancel()
            callback()
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(event)
        elif event.kind is not EventKind.TIMEOUT:
            self._events.append(event)

    def _freeze(self) -> None:
        self._freezer = None
        if self._alive and self._sandbox is not None:
            self._frozen = True
            self._sandbox.freeze()
