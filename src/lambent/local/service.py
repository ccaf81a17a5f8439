"""Starts and stops the parts of the local Lambda: one process, one asyncio loop, one port."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import uvicorn

from lambent.errors import LocalError
from lambent.local import daemon
from lambent.local.application import Application
from lambent.local.components import Components, Settings
from lambent.local.file_lock import Locked, take
from lambent.local.port_owner import occupant
from lambent.local.sandbox.detect import choose

__all__ = ["Settings", "listen", "run"]

log = logging.getLogger("lambent.service")

_STOP_S = 5
"""How long requests under way may take once the service is told to stop."""


def run(settings: Settings, ready: Callable[[dict[str, Any]], None]) -> None:
    """Serves until SIGTERM, SIGINT or POST /_lambent/shutdown.

    `ready` is told what `service.json` says, once requests are answered.

    Raises LocalError when the port or the state folder is taken.
    """
    daemon.make_folder(settings.state)
    try:
        take(settings.state / "service.lock")  # never given back: it is free again when this process is gone, not before
    except Locked:
        raise LocalError(
            "a local Lambda with this state is running already",
            where=str(settings.state),
            hint="lambent local status, or another folder: --state DIR",
        ) from None
    sockets = listen(settings.port)
    try:
        asyncio.run(_serve(settings, sockets, ready))
    finally:
        for one in sockets:
            one.close()


def listen(port: int) -> list[socket.socket]:
    """Loopback sockets on one port: IPv4, and IPv6 where there is one. Raises LocalError naming who has the port."""
    # the protocol must be named: asyncio turns Nagle off only then, and an answer of two writes would wait 40 ms
    first = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        first.bind(("127.0.0.1", port))
        first.listen()  # with SO_REUSEADDR two may bind one port; only one may listen
    except OSError as error:
        first.close()
        raise _taken(port) if error.errno == errno.EADDRINUSE else _denied(port, error) from None
    sockets = [first]
    second = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        second.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        second.bind(("::1", first.getsockname()[1]))
        sockets.append(second)
    except OSError:
        second.close()  # no IPv6 here, or the port is taken there: 127.0.0.1 is enough
    return sockets


def _taken(port: int) -> LocalError:
    other = daemon.ask(port, "GET", "/_lambent/health")
    if other is not None and other.get("service") == "lambent":
        what = f"port {port} is taken by another local Lambda (pid {other['pid']})"
        return LocalError(what, where=other["state"], hint=f"lambent local stop --state {other['state']}, or --port {port + 1}")
    what = f"port {port} is taken by {occupant(port) or 'another process'}"
    return LocalError(what, where=f"127.0.0.1:{port}", hint=f"lambent local start --port {port + 1}")


def _denied(port: int, error: OSError) -> LocalError:
    return LocalError(f"port {port} cannot be had: {error.strerror}", hint=f"lambent local start --port {daemon.DEFAULT_PORT}")


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: it would end the process before our parts could be ended."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


async def _serve(settings: Settings, sockets: list[socket.socket], ready: Callable[[dict[str, Any]], None]) -> None:
    with tempfile.TemporaryDirectory(prefix="lambent-") as scratch:
        maker = await choose(Path(scratch))
    parts = Components(settings, sockets[0].getsockname()[1], maker)
    record = settings.state / "service.json"

    def started() -> None:
        _write(record, parts.health())
        parts.start()
        ready(parts.health())

    config = uvicorn.Config(
        Application(parts),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_STOP_S,
    )
    server = _Server(config, started)
    loop = asyncio.get_running_loop()

    def asked_to_end() -> None:
        server.force_exit = parts.stopping.is_set()  # the second time nobody is waited for
        parts.stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked_to_end)
    serving = asyncio.create_task(server.serve(sockets))
    try:
        stopping = asyncio.create_task(parts.stopping.wait())
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    finally:
        record.unlink(missing_ok=True)
        await parts.close()


def _write(path: Path, content: Mapping[str, Any]) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(content) + "\n")
    temporary.replace(path)
