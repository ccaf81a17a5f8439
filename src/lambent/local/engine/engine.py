"""Runs functions: the Engine of `interface.py`, on sandboxes."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from msgspec import Struct

from lambent.local.sandbox.runtimes import Runtimes
from lambent.local.sandbox.sandbox import Maker

from .execution_environment import Execution, Keeper, Surroundings
from .invocation import Function, Invocation, LogSink, Outcome, Provisioned, Stream, Throttled
from .log_writer import LogWriter
from .pool import Pool
from .provisioning import Provisions
from .response_stream import Channel


class Settings(Struct, frozen=True):
    """`state` and `cache` are lambent's folders; `service_url` is where functions find AWS's APIs; `environ` is where
    interpreters and the package index are looked for, and never reaches a function. `idle_s`: an environment that was
    idle for longer is ended.
    """

    state: Path
    cache: Path
    service_url: str
    as_of: date
    environ: Mapping[str, str]
    idle_s: float = 300.0


class LocalEngine:
    """See `interface.Engine`. Must be made and used within one event loop."""

    def __init__(
        self,
        *,
        maker: Maker,
        logs: LogSink,
        credentials: Callable[[Function], Mapping[str, str]],
        reserved_concurrency: Callable[[str, str], int | None],
        settings: Settings,
    ) -> None:
        self._reserved_concurrency = reserved_concurrency
        self._counts: Counter[str] = Counter()
        self._maker = maker
        self._writer = LogWriter(logs)
        scratch = settings.state / "environments"
        shutil.rmtree(scratch, ignore_errors=True)  # of a service that was killed
        self._around = Surroundings(
            maker=maker,
            runtimes=Runtimes(settings.cache, settings.environ),
            writer=self._writer,
            credentials=credentials,
            service_url=settings.service_url,
            scratch=scratch,
            as_of=settings.as_of,
        )
        self._pool = Pool(self._make, settings.idle_s)
        self._provisions = Provisions(self._pool)
        self._running: set[asyncio.Task[Outcome]] = set()

    async def invoke(self, function: Function, invocation: Invocation) -> Outcome:
        """As on AWS the function runs on when the caller goes away."""
        return await asyncio.shield(self._start(function, invocation, None))

    async def stream(self, function: Function, invocation: Invocation) -> Stream:
        """See `interface.Engine`."""
        channel = Channel()
        task = self._start(function, invocation, channel)
        begun = asyncio.ensure_future(channel.begun.wait())
        try:
            await asyncio.wait((task, begun), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            channel.abandon()
            raise
        finally:
            begun.cancel()
        if not channel.begun.is_set():
            task.result()  # raises what there is to raise
        return _Stream(channel, task)

    async def retire(self, arn: str, version: str | None = None) -> None:
        self._provisions.forget(arn, version)
        await self._pool.retire(arn, version)

    def provision(self, function: Function, count: int) -> None:
        self._provisions.put(function, count)

    def provisioned(self, function: Function) -> Provisioned:
        return self._provisions.state(function)

    async def stop(self) -> None:
        await self._provisions.stop()
        await self._pool.stop()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._writer.close()
        await self._maker.stop()

    async def flush_logs(self) -> None:
        """Gives the sink every line there is so far."""
        await self._writer.flush()

    def describe(self) -> dict[str, object]:
        return {"sandbox": self._maker.kind, "environments": self._pool.describe()}

    def _start(self, function: Function, invocation: Invocation, channel: Channel | None) -> asyncio.Task[Outcome]:
        limit = self._reserved_concurrency(function.region, function.name)
        if limit is not None and self._counts[function.arn] >= limit:
            raise Throttled
        self._counts[function.arn] += 1
        task = asyncio.ensure_future(self._invoke(function, invocation, channel))
        task.add_done_callback(lambda _: self._counts.subtract((function.arn,)))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _invoke(self, function: Function, invocation: Invocation, channel: Channel | None) -> Outcome:
        execution = await self._pool.acquire(function)
        try:
            return await execution.run(invocation, channel)
        except BaseException:
            self._pool.discard(execution)
            raise
        finally:
            if channel is not None:
                channel.close()

    def _make(self, function: Function, keeper: Keeper) -> Execution:
        return Execution(function, self._around, keeper)


class _Stream:
    """See `interface.Stream`."""

    def __init__(self, channel: Channel, task: asyncio.Task[Outcome]) -> None:
        self._channel = channel
        self._task = task

    @property
    def content_type(self) -> str | None:
        return self._channel.content_type if self._channel.begun.is_set() else None

    async def read(self) -> bytes:
        return await self._channel.read()

    async def outcome(self) -> Outcome:
        return await asyncio.shield(self._task)

    def abandon(self) -> None:
        self._channel.abandon()

    def when_ended(self, call: Callable[[], None]) -> None:
        self._task.add_done_callback(lambda _: call())
