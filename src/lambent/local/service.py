"""Starts and stops the components of the local Lambda: one process, one asyncio loop, one port."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from msgspec import json

from lambent import atomic
from lambent.errors import LocalError
from lambent.local import allocator, daemon, state_folder
from lambent.local.application import Application
from lambent.local.components import Components, Settings
from lambent.local.engine import machine_limits
from lambent.local.engine.log_sink import Listener
from lambent.local.file_lock import FileLocked, acquire, holder
from lambent.local.http_protocol import BoundedProtocol
from lambent.local.port_owner import port_owner
from lambent.local.sandbox.detect import detect_sandbox
from lambent.private_folder import make_private_cache

__all__ = ["Settings", "listen", "run"]

_LOCK_S = 0.5  # others hold the lock for a moment, to see whether it is free
_GRACE_S = 5
"""How long requests may take to complete once the service has been asked to stop."""


def run(settings: Settings, on_ready: Callable[[dict[str, Any]], None], on_log: Listener | None = None) -> None:
    """Serve until SIGTERM, SIGINT or POST /_lambent/shutdown.

    `on_ready` is called with the content of `service.json` as soon as the service answers requests, and `on_log` with every
    line that a function logs.

    Raises LocalError when the port or the state folder is in use.
    """
    state_folder.make_folder(settings.state)
    state_folder.protect(settings.state)
    make_private_cache(settings.cache)
    machine_limits.raise_open_files()
    allocator.return_large_blocks()
    lock = settings.state / "service.lock"
    try:
        acquire(lock, wait_s=_LOCK_S)  # held until the process ends, so that it shows when that is
    except FileLocked:
        pid = holder(lock)
        raise LocalError(
            f"a local Lambda with this state folder is already running (pid {pid})",
            where=str(settings.state),
            hint="lambent local status, or use another folder: --state DIR",
        ) from None
    except OSError as error:
        raise state_folder.unusable(lock, error) from None
    sockets = listen(settings.port)
    try:
        asyncio.run(_serve(settings, sockets, on_ready, on_log))
    except OSError as error:
        raise state_folder.unusable(settings.state, error) from error
    finally:
        for listener in sockets:
            listener.close()


def listen(port: int) -> list[socket.socket]:
    """Return sockets that listen on one loopback port, IPv4 and if possible IPv6. Raises LocalError if it is in use."""
    # IPPROTO_TCP must be named: asyncio disables Nagle's algorithm only then, which saves 40 ms on each response of two writes
    ipv4 = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    ipv4.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        ipv4.bind(("127.0.0.1", port))
        ipv4.listen()  # with SO_REUSEADDR two sockets may bind to one port, but only one may listen
    except OSError as error:
        ipv4.close()
        raise _port_in_use(port) if error.errno == errno.EADDRINUSE else _port_denied(port, error) from None
    ipv6 = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        ipv6.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        ipv6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        ipv6.bind(("::1", ipv4.getsockname()[1]))
    except OSError:
        ipv6.close()  # no IPv6 here, or the port is in use there: 127.0.0.1 is enough
        return [ipv4]
    return [ipv4, ipv6]


def _port_in_use(port: int) -> LocalError:
    health = daemon.request_json(port, "GET", "/_lambent/health")
    if health is not None and health.get("service") == "lambent":
        state, pid = health["state"], health["pid"]
        what = f"port {port} is in use by another local Lambda (pid {pid})"
        command = daemon.local_command(Path(state), "stop")
        return LocalError(what, where=state, hint=f"{command}, or --port {port + 1}")
    owner = port_owner(port) or "another process"
    what = f"port {port} is in use by {owner}"
    return LocalError(what, where=f"127.0.0.1:{port}", hint=f"lambent local start --port {port + 1}")


def _port_denied(port: int, error: OSError) -> LocalError:
    return LocalError(
        f"can't listen on port {port}: {error.strerror}", hint=f"lambent local start --port {daemon.DEFAULT_PORT}"
    )


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, which would end the process before the components are closed."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def serve_clients(self, listener: socket.socket) -> asyncio.Server:
        """Answer the connections to a socket in a function's own network too. `application.py` sees where they come from."""
        protocol, state = self.config.http_protocol_class, {"from_function": True}

        def create_protocol() -> asyncio.Protocol:
            return protocol(config=self.config, server_state=self.server_state, app_state=state)  # type: ignore[call-arg]

        return await asyncio.get_running_loop().create_server(create_protocol, sock=listener, backlog=self.config.backlog)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()


def _stop_on_request(server: _Server, stopping: asyncio.Event, *, until_stdin_closes: bool) -> None:
    """Let Ctrl-C, SIGTERM and, if it counts, the end of standard input set `stopping`."""
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        server.force_exit = stopping.is_set()  # a second signal stops waiting for requests
        stopping.set()

    def on_readable() -> None:  # nothing is ever written there, so it has been closed
        loop.remove_reader(0)
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    if until_stdin_closes:
        loop.add_reader(0, on_readable)


async def _serve(
    settings: Settings,
    sockets: list[socket.socket],
    on_ready: Callable[[dict[str, Any]], None],
    on_log: Listener | None,
) -> None:
    with tempfile.TemporaryDirectory(prefix="lambent-") as scratch:
        factory = await detect_sandbox(Path(scratch), settings.cache, own_network=not settings.share_network)
    components = Components(settings, sockets[0].getsockname()[1], factory)
    if on_log is not None:
        components.aws_services.log_sink.subscribe(on_log)
    record = settings.state / "service.json"

    def on_started() -> None:
        content = {**components.health(), "secret": components.secret}
        atomic.write_bytes(record, json.encode(content) + b"\n", mode=0o600)
        components.start()
        on_ready(components.health())

    config = uvicorn.Config(
        Application(components), http=BoundedProtocol, ws="none", lifespan="off", log_config=None, access_log=False,
        server_header=False, timeout_graceful_shutdown=_GRACE_S,
    )  # fmt: skip
    server = _Server(config, on_started)
    components.serve_clients = server.serve_clients
    _stop_on_request(server, components.stopping, until_stdin_closes=settings.until_stdin_closes)
    serving = asyncio.create_task(server.serve(sockets))
    try:
        stopping = asyncio.create_task(components.stopping.wait())
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    finally:
        record.unlink(missing_ok=True)
        await components.close()
