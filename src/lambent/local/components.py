"""The components of the local Lambda that serve requests."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from lambent import __version__
from lambent.local.aws_services import AwsServices
from lambent.local.console.console_api import ConsoleParts
from lambent.local.console.invocation_store import InvocationStore
from lambent.local.console.site import Console
from lambent.local.control.api import LambdaApi
from lambent.local.dev_sessions import DevSessions
from lambent.local.engine.engine import Engine, EngineSettings, Sinks
from lambent.local.engine.recorder import Recorder
from lambent.local.engine.runtime_process import ServeClients
from lambent.local.front.function_urls import FunctionUrls
from lambent.local.sandbox.sandbox import SandboxFactory
from lambent.local.store import Store


class Settings(Struct, frozen=True):
    """`port` 0 means any free port. `cache` is lambent's cache folder, shared by all state folders.

    `share_network`: functions use this machine's network, also its loopback. `enforce_iam`: policies decide who may do what.
    `until_stdin_closes`: the service ends with the process that holds the other end of its standard input.
    """

    state: Path
    cache: Path
    port: int
    as_of: date
    environ: Mapping[str, str]
    share_network: bool = False
    enforce_iam: bool = False
    until_stdin_closes: bool = False


class Components:
    """Everything that serves requests, created in the order of its dependencies and closed in reverse."""

    def __init__(self, settings: Settings, port: int, factory: SandboxFactory) -> None:
        url = f"http://127.0.0.1:{port}"
        self._settings = settings
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self.port, self._url = port, url
        self.enforce_iam = settings.enforce_iam
        self.stopping = asyncio.Event()
        self.secret = secrets.token_urlsafe()
        self.serve_clients: ServeClients  # set by the service
        self.store = Store(settings.state)
        self.aws_services = AwsServices(settings.state)
        self._invocations = InvocationStore(settings.state)
        self.recorder = Recorder(self._invocations.save, self._invocations.last_id)
        self.engine = Engine(
            factory=factory,
            sinks=Sinks(self.aws_services.log_sink, self.recorder),
            credentials=self.aws_services.credentials,
            reserved_concurrency=self.store.reserved,
            restore_code=self.store.restore_code,
            settings=EngineSettings(
                state=settings.state,
                cache=settings.cache,
                service_url=url,
                as_of=settings.as_of,
                environ=settings.environ,
                serve_clients=lambda listener: self.serve_clients(listener),
            ),
        )
        self.api = LambdaApi(self.store, self.engine, self.aws_services, url, settings.as_of)
        self.dev = DevSessions(settings.state, self.store, self.engine, self.aws_services.log_sink, self.stopping)
        self.function_urls = FunctionUrls(self.store, self.engine, self.aws_services, self.dev, url, settings.as_of)
        self.console = Console(
            ConsoleParts(
                store=self.store, engine=self.engine, aws_services=self.aws_services, recorder=self.recorder,
                invocations=self._invocations, port=port, describe=self.status, stopping=self.stopping,
            )
        )  # fmt: skip

    def health(self) -> dict[str, Any]:
        """Return what `service.json` contains too, except for the secret."""
        return {
            "service": "lambent",
            "version": __version__,
            "pid": os.getpid(),
            "port": self.port,
            "url": self._url,
            "state": str(self._settings.state),
            "as_of": self._settings.as_of.isoformat(),
            "started": self._started,
        }

    def status(self) -> dict[str, Any]:
        engine = self.engine.describe()
        return {**self.health(), "functions": self.store.count(), "engine": engine, "enforce_iam": self.enforce_iam}

    def start(self) -> None:
        """Start what may begin once requests are answered."""
        self.aws_services.start()
        self.recorder.start()
        self.api.resume()

    async def close(self) -> None:
        await self.api.stop()
        await self.dev.close()
        await self.engine.stop()
        self.recorder.close()
        self._invocations.close()
        self.aws_services.close()
        self.store.close()
