"""One execution environment: init, invocations one after the other, and what AWS answers when something fails."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from lambent import limits
from lambent.errors import LocalError
from lambent.local.sandbox.runtimes import Runtimes
from lambent.local.sandbox.sandbox import Maker, Spec

from . import environment_variables, failures, platform_log
from .failures import Failure
from .invocation import EngineFault, Function, Invocation, LogLine, Outcome
from .log_writer import LogWriter
from .response_stream import Channel
from .runtime_api import make_event
from .runtime_process import Happened, Kind, RuntimeHost

_SHOW_AFTER_MS = 500
_PROVISIONED_INIT_S = 900.0  # docs: lambda-runtime-environment, "Init phase"
_DYING_S = 0.5
"""How long a process whose connection broke in the middle of an answer has to end, before it is taken to live on."""


class Surroundings(Struct, frozen=True):
    """What all environments of an engine share. `scratch` is a folder for what is each environment's own."""

    maker: Maker
    runtimes: Runtimes
    writer: LogWriter
    credentials: Callable[[Function], Mapping[str, str]]
    service_url: str
    scratch: Path
    as_of: date


class Keeper(Protocol):
    """Who hands out environments: is told when one has ended its first init, has answered, and is free again."""

    def started(self) -> None: ...
    def answered(self, execution: Execution) -> None: ...
    def release(self, execution: Execution) -> None: ...


class Execution:
    """`prepare` once, then `run` one invocation at a time, then `close`."""

    def __init__(self, function: Function, around: Surroundings, keeper: Keeper) -> None:
        self.function = function
        self.retired = self.provisioned = False
        self.last_used = time.monotonic()
        self._around = around
        self._keeper = keeper
        self._new = True
        self._stream = platform_log.stream_name(function.version, _now())
        self._format = platform_log.Format(function, around.as_of)
        self._splitter = platform_log.LineSplitter()
        self._lines: list[LogLine] = []
        self._tail_from = self._written = self._written_ms = 0
        self._busy = False
        self._host = RuntimeHost(around.maker, self._on_output)
        self._tmp = around.scratch / uuid.uuid4().hex
        self._spec: Spec | None = None

    async def prepare(self) -> None:
        """Before the first `run`: everything but the process. Raises EngineFault when the runtime cannot be had."""
        try:
            runtime = await self._around.runtimes.get(self.function.runtime)
        except LocalError as error:
            raise EngineFault("; ".join(part for part in (error.what, error.hint, error.detail) if part)) from error
        await self._host.open()
        function = self.function
        self._spec = Spec(
            interpreter=runtime.interpreter,
            task=function.code,
            runtime=runtime.folder,
            tmp=self._tmp,
            tmp_mb=function.tmp_mb,
            memory_mb=function.memory_mb,
            environment=environment_variables.variables(
                function,
                stream=self._stream,
                api=self._host.address,
                service_url=self._around.service_url,
                credentials=self._around.credentials(function),
                provisioned=self.provisioned,
            ),
            command=environment_variables.command(function),
            opt=function.opt,
        )

    @property
    def started(self) -> bool:
        """Whether its first init is over."""
        return not self._new

    async def warm(self) -> bool:
        """Init ahead of any event, instead of with the first `run`. Whether it went well."""
        self._busy = True
        try:
            _, failed = await self._init(_PROVISIONED_INIT_S)
        finally:
            self._new = False
            self._keeper.started()
            self._flush(_now_ms())
            self._busy = False
        return not failed

    async def run(self, invocation: Invocation, channel: Channel | None = None) -> Outcome:
        """Runs one event to its answer. Then, at once or when the runtime is done, the keeper's `release` is called.

        With a channel a streamed answer goes through it while it is made, and is not in the outcome.
        """
        self._busy = True
        self._host.wake()
        self._lines, self._tail_from, self._written, self._written_ms = [], 0, 0, _now_ms()
        try:
            init_ms, failed_before = (None, False) if self._host.ready else await self._init(limits.INIT_MAX_S)
        finally:
            if self._new:
                self._new = False
                self._keeper.started()
        began = time.perf_counter()
        failure = await self._init_again(invocation) if failed_before else None
        self._lines.append(self._format.start(_now(), invocation.request_id))
        payload = b""
        if failure is None:
            left_s = self.function.timeout_s - (time.perf_counter() - began)
            happened = await self._invoke(invocation, left_s, channel)
            if channel is not None:
                happened = await self._end_of_stream(happened, channel)
            self._host.drain()
            payload, failure = await self._judge(happened, invocation, channel)
        duration_s = time.perf_counter() - began
        outcome = self._finish(invocation, payload, failure, (duration_s * 1000, init_ms))
        self._busy = False
        self._keeper.answered(self)
        self._host.settle(self.function.timeout_s - duration_s, self._settled)
        return outcome

    def rest(self) -> None:
        self._host.rest()

    async def close(self) -> None:
        await self._host.close()
        self._write(self._splitter.finish(_now_ms()))

    async def _init(self, timeout_s: float) -> tuple[float | None, bool]:
        """The init phase. Milliseconds it took (None when it failed), and whether it failed."""
        self._lines.append(self._format.init_start(_now()))
        began = time.perf_counter()
        happened = await self._start_process(timeout_s)
        took_ms = (time.perf_counter() - began) * 1000
        failure = self._init_failure(happened, "")
        if failure is not None:
            self._lines.append(self._init_report("init", took_ms, failure))
        self._tail_from = len(self._lines)
        return (took_ms if failure is None else None), failure is not None

    async def _init_again(self, invocation: Invocation) -> Failure | None:
        """A failed init is repeated as a part of the invocation, within the function's time-out."""
        began = time.perf_counter()
        happened = await self._start_process(self.function.timeout_s)
        failure = self._init_failure(happened, invocation.request_id)
        if failure is not None:
            self._lines.append(self._init_report("invoke", (time.perf_counter() - began) * 1000, failure))
        return failure

    async def _start_process(self, timeout_s: float) -> Happened:
        assert self._spec is not None, "prepare comes first"
        try:
            await self._host.start(self._spec)
        except OSError as error:
            raise EngineFault(f"the sandbox could not be made: {error}") from error
        happened = await self._host.happening(timeout_s)
        self._host.drain()
        if happened.kind is not Kind.READY:
            await self._host.kill()
        self._lines += self._splitter.finish(_now_ms())
        return happened

    def _init_failure(self, happened: Happened, request_id: str) -> Failure | None:
        if happened.kind is Kind.READY:
            return None
        if happened.kind is Kind.INIT_ERROR:
            return failures.reported(happened.payload, happened.error_type)
        if happened.exit is not None:
            return failures.exited(request_id, happened.exit, self._around.as_of)
        return failures.timed_out(request_id, self.function.timeout_s, _now(), self._around.as_of)

    def _init_report(self, phase: str, took_ms: float, failure: Failure) -> LogLine:
        return self._format.init_report(_now(), phase, took_ms, failure.status or "error", failure.error_type)

    async def _invoke(self, invocation: Invocation, left_s: float, channel: Channel | None) -> Happened:
        deadline_ms = _now_ms() + max(round(left_s * 1000), 0)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.invoked_arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
            "Lambda-Runtime-Client-Context": invocation.client_context,
        }
        self._host.hand(make_event(invocation.request_id, invocation.payload, headers), channel)
        return await self._host.happening(left_s)

    async def _end_of_stream(self, happened: Happened, channel: Channel) -> Happened:
        """Ends the channel, with all that the process had sent in it; when the stream broke off, waits for the reason."""
        if happened.kind is Kind.TRUNCATED:
            after = await self._host.happening(_DYING_S)
            happened = after if after.kind is Kind.ENDED else happened
        elif happened.kind is Kind.ENDED:
            await self._host.heard_out()
        channel.close()
        return happened

    async def _judge(self, happened: Happened, invocation: Invocation, channel: Channel | None) -> tuple[bytes, Failure | None]:
        """The answer's payload, or the failure."""
        if happened.kind in (Kind.RESPONSE, Kind.ERROR) and not self._host.within_memory():
            happened = await self._end_of_process()
        if happened.kind is Kind.RESPONSE:
            return happened.payload, None
        if happened.kind is Kind.ERROR:
            return b"", failures.reported(happened.payload, happened.error_type)
        if happened.kind is Kind.TOO_LARGE:
            streamed = channel is not None and channel.begun.is_set()
            return b"", failures.response_too_large(limits.STREAM_MAX if streamed else limits.PAYLOAD_MAX)
        if happened.kind is Kind.TRUNCATED:
            return b"", failures.truncated(invocation.request_id)
        if happened.exit is not None:
            return b"", failures.exited(invocation.request_id, happened.exit, self._around.as_of)
        return b"", failures.timed_out(invocation.request_id, self.function.timeout_s, _now(), self._around.as_of)

    async def _end_of_process(self) -> Happened:
        """It has been killed; what it still said does not count."""
        while True:
            happened = await self._host.happening(limits.INIT_MAX_S)
            if happened.kind in (Kind.ENDED, Kind.TIMEOUT):
                return happened

    def _finish(
        self, invocation: Invocation, payload: bytes, failure: Failure | None, took: tuple[float, float | None]
    ) -> Outcome:
        """`took`: milliseconds of the invocation, and of the init phase if there was one."""
        now = _now()
        self._lines += self._splitter.finish(_now_ms())
        if failure is not None:
            self._lines += [LogLine(_now_ms(), line) for line in failure.log]
        timed_out = failure is not None and failure.status == "timeout"
        report = platform_log.Report(
            request_id=invocation.request_id,
            duration_ms=self.function.timeout_s * 1000.0 if timed_out else took[0],
            memory_mb=self.function.memory_mb,
            used_mb=self._host.peak_memory_mb(),
            init_ms=took[1],
            status=failure.status if failure else "",
            error_type=failure.error_type if failure else "",
        )
        self._lines += self._format.end(now, report)
        self._flush(_now_ms())
        tail = platform_log.tail(self._lines[self._tail_from :])
        if timed_out:
            self._killing = asyncio.ensure_future(self._host.kill())  # the answer does not wait for it
        return Outcome(failure.payload if failure else payload, "Unhandled" if failure else "", tail)

    def _settled(self) -> None:
        self.last_used = time.monotonic()
        self._keeper.release(self)

    def _on_output(self, chunk: bytes) -> None:
        now = _now_ms()
        lines = self._splitter.feed(chunk, now)
        if not self._busy:
            self._write(lines)
            return
        self._lines += lines
        if now - self._written_ms > _SHOW_AFTER_MS:  # a long invocation's log can be followed while it runs
            self._flush(now)

    def _flush(self, now_ms: int) -> None:
        """Writes what is new. What can no longer be a part of the tail is forgotten."""
        self._write(self._lines[self._written :])
        gone = max(len(self._lines) - limits.LOG_TAIL, 0)
        del self._lines[:gone]
        self._tail_from = max(self._tail_from - gone, 0)
        self._written, self._written_ms = len(self._lines), now_ms

    def _write(self, lines: list[LogLine]) -> None:
        function = self.function
        self._around.writer.write(function.region, function.log_group, self._stream, lines)


def _now() -> datetime:
    return datetime.now(UTC)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
