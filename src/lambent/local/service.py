"""Starts and stops the parts of the local Lambda: one process, one asyncio loop, one port."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import uvicorn
from msgspec import Struct

from lambent import __version__
from lambent.errors import LocalError
from lambent.local import daemon
from lambent.local.application import Application
from lambent.local.aws_services import Neighbours
from lambent.local.control.api import Control
from lambent.local.control.service_model import is_lambda
from lambent.local.engine.engine import LocalEngine
from lambent.local.engine.engine import Settings as EngineSettings
from lambent.local.file_lock import Locked, take
from lambent.local.front.function_urls import Front
from lambent.local.front.function_urls import Settings as FrontSettings
from lambent.local.front.limited import Limited
from lambent.local.port_owner import occupant
from lambent.local.sandbox.detect import choose
from lambent.local.sandbox.sandbox import Maker
from lambent.local.store import Store

log = logging.getLogger("lambent.service")

_STOP_S = 5
"""How long requests under way may take once the service is told to stop."""


class Settings(Struct, frozen=True):
    """`port` 0 takes a free one. `cache` is where interpreters' runtimes are kept between states."""

    state: Path
    cache: Path
    port: int
    as_of: date
    environ: Mapping[str, str]


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


class _Parts:
    """Everything that serves requests, made in the order of its needs and ended in the opposite one."""

    def __init__(self, settings: Settings, port: int, maker: Maker) -> None:
        url = f"http://127.0.0.1:{port}"
        self._settings = settings
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._port, self._url = port, url
        self.account = daemon.ACCOUNT
        self.stopping = asyncio.Event()
        self.store = Store(settings.state)
        self.neighbours = Neighbours(settings.state)
        self.engine = LocalEngine(
            maker=maker,
            logs=self.neighbours,
            credentials=self.neighbours.credentials,
            settings=EngineSettings(settings.state, settings.cache, url, settings.as_of, settings.environ),
        )
        self.control = Control(self.store, self.engine, self.neighbours, url, settings.as_of)
        limited = Limited(self.engine, self.store, self.control.parts.running)
        self.front = Front(self.store, limited, self.neighbours, FrontSettings(port, url, settings.as_of))

    def is_lambda(self, method: str, path: str) -> bool:
        return is_lambda(method, path)

    def health(self) -> dict[str, Any]:
        """What `service.json` holds too."""
        return {
            "service": "lambent",
            "version": __version__,
            "pid": os.getpid(),
            "port": self._port,
            "url": self._url,
            "state": str(self._settings.state),
            "as_of": self._settings.as_of.isoformat(),
            "started": self._started,
        }

    def status(self) -> dict[str, Any]:
        return {**self.health(), "functions": self.store.count(), "engine": self.engine.describe()}

    def shutdown(self) -> None:
        self.stopping.set()

    async def flush_logs(self) -> None:
        await self.engine.flush_logs()

    async def end(self) -> None:
        await self.control.stop()
        await self.engine.stop()
        self.neighbours.close()
        self.store.close()


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
    parts = _Parts(settings, sockets[0].getsockname()[1], maker)
    record = settings.state / "service.json"

    def started() -> None:
        _write(record, parts.health())
        parts.neighbours.start()
        parts.control.resume()
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
        parts.shutdown()

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
        await parts.end()


def _write(path: Path, content: Mapping[str, Any]) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(content) + "\n")
    temporary.replace(path)
