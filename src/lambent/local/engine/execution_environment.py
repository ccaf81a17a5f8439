"""One execution environment: its init, its invocations one after another, and what AWS responds when something fails."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from lambent import limits
from lambent.errors import LocalError
from lambent.local import installation
from lambent.local.sandbox.runtimes import Runtimes
from lambent.local.sandbox.sandbox import SandboxFactory, SandboxSpec

from . import environment_variables, failures, platform_log
from .environment_log import EnvironmentLog
from .failures import Failure
from .invocation import EngineFault, Function, Invocation, Outcome, Report
from .log_sink import LogLine, LogSink, now_ms
from .response_stream import ResponseStream
from .runtime_api import next_invocation
from .runtime_events import EventKind, RuntimeEvent
from .runtime_process import API_PORT, RuntimeProcess, ServeClients
from .warm_process import WarmImports, WarmProcess

_PROVISIONED_INIT_S = 900.0  # docs: lambda-runtime-environment, "Init phase"
_EXIT_S = 0.5
"""If the connection breaks in the middle of a response, a process that has not ended after this time is considered alive."""


class EnvironmentContext(Struct, frozen=True):
    """What all environments of an engine share. Each has a folder of its own in `scratch`."""

    factory: SandboxFactory
    runtimes: Runtimes
    logs: LogSink
    credentials: Callable[[Function], Mapping[str, str]]
    restore_code: Callable[[Function], None]
    service_url: str
    serve_clients: ServeClients | None
    scratch: Path
    as_of: date


class ExecutionEnvironment:
    """Call `prepare` once, then `run` for one invocation at a time, then `close`.

    `on_init` is called once, when the first init has ended or failed. An `outdated` environment starts its process again before
    the next invocation, and with `imports` by a fork of one that has imported these.
    """

    def __init__(
        self,
        function: Function,
        context: EnvironmentContext,
        on_init: Callable[[], None],
        imports: WarmImports | None = None,
    ) -> None:
        self.function = function
        self.retired = self.provisioned = self.outdated = False
        self.initialized = False
        self.last_used = time.monotonic()
        self._context = context
        self._on_init = on_init
        self._log = EnvironmentLog(function, context.logs)
        self._format = platform_log.PlatformLog(function, context.as_of)
        context_of_process = context.factory, self._log.on_output, context.serve_clients
        self._process = WarmProcess(imports, *context_of_process) if imports else RuntimeProcess(*context_of_process)
        self._tmp = context.scratch / uuid.uuid4().hex
        self._spec: SandboxSpec | None = None
        self._timeout_at = 0.0

    async def prepare(self) -> None:
        """Set up everything but the process. Raises EngineFault when the runtime or the code is missing."""
        try:
            runtime = await self._context.runtimes.get(self.function.runtime)
            await self._context.factory.prepare(runtime.interpreter)
            if not all(path.is_dir() for path in (self.function.code, self.function.opt) if path is not None):
                await asyncio.to_thread(self._context.restore_code, self.function)
        except LocalError as error:
            raise EngineFault("; ".join(part for part in (error.what, error.hint, error.detail) if part)) from error
        except OSError as error:
            raise EngineFault(f"the function's code can't be unpacked: {error}") from error
        port = urlsplit(self._context.service_url).port or 0
        api_port = API_PORT if port != API_PORT else API_PORT + 1
        await self._process.open(api_port)
        function = self.function
        self._spec = SandboxSpec(
            interpreter=runtime.interpreter,
            task=function.code,
            runtime=runtime.folder,
            tmp=self._tmp,
            tmp_mb=function.tmp_mb,
            memory_mb=function.memory_mb,
            environment=environment_variables.variables(
                function,
                stream=self._log.stream,
                api=self._process.address,
                service_url=self._context.service_url,
                credentials=self._context.credentials(function),
                provisioned=self.provisioned,
            ),
            command=environment_variables.runtime_command(function),
            opt=function.opt,
            ports=(api_port, port),
        )

    async def initialize(self, timeout_s: float = _PROVISIONED_INIT_S) -> Failure | None:
        """Run the init phase before there is an event. Returns its failure if it failed."""
        self._process.thaw()
        self._log.begin()
        try:
            _, failure = await self._init(timeout_s)
        finally:
            self._end_init()
            self._log.end()
        return failure

    async def settle(self) -> None:
        """Wait until a warm start would be as fast as it can be."""
        if isinstance(self._process, WarmProcess):
            await self._process.settle()

    async def run(self, invocation: Invocation, response: ResponseStream | None = None) -> Outcome:
        """Run one event to its response. Call `when_idle` before the next one.

        With `response`, a streamed response goes there while it arrives, and is not in the outcome.
        """
        self._process.thaw()
        self._log.begin()
        init_ms: float | None = None
        failure: Failure | None = None
        try:
            if self.outdated or not self._process.ready:
                init_ms, failure = await self._init(limits.INIT_MAX_S)
        finally:
            self._end_init()
        started = time.perf_counter()
        self._timeout_at = started + self.function.timeout_s
        if failure is not None:
            init_ms, failure = None, await self._init_again(invocation.request_id)
        self._log.add(self._format.start(_now(), invocation.request_id))
        payload = b""
        if failure is None:
            event = await self._invoke(invocation, response)
            payload = event.payload if event.kind is EventKind.RESPONSE else b""
            failure = self._failure(event, invocation.request_id)
        duration_ms = (time.perf_counter() - started) * 1000
        report = self._report(invocation, failure, duration_ms, init_ms)
        tail = self._end_log(report, failure)
        error = "Unhandled" if failure else ""
        return Outcome(failure.payload if failure else payload, error, tail, report, self._log.stream)

    def flush_log(self) -> str:
        """Write what the running invocation has logged so far. Return the log stream."""
        self._log.flush()
        return self._log.stream

    def when_idle(self, callback: Callable[[], None]) -> None:
        """Call back when the runtime asks for its next event or has ended. After the time-out it is killed."""

        def on_idle() -> None:
            self.last_used = time.monotonic()
            callback()

        self._process.when_idle(self._timeout_at - time.perf_counter(), on_idle)

    def freeze_soon(self) -> None:
        self._process.freeze_soon()

    async def close(self) -> None:
        await self._process.close()
        self._log.close()

    def _end_init(self) -> None:
        if not self.initialized:
            self.initialized = True
            self._on_init()

    async def _init(self, timeout_s: float) -> tuple[float, Failure | None]:
        """Run the init phase. Returns the milliseconds it took, and its failure if it failed."""
        self.outdated = False
        self._log.add(self._format.init_start(_now()))
        init_ms, failure = await self._start_process(timeout_s, "init", "")
        self._log.start_tail()
        return init_ms, failure

    async def _init_again(self, request_id: str) -> Failure | None:
        """Repeat a failed init as part of the invocation, within the function's time-out."""
        _, failure = await self._start_process(self.function.timeout_s, "invoke", request_id)
        return failure

    async def _start_process(self, timeout_s: float, phase: str, request_id: str) -> tuple[float, Failure | None]:
        assert self._spec is not None, "prepare comes first"
        started = time.perf_counter()
        try:
            await self._process.start(self._spec)
        except OSError as error:
            restart = f"; {installation.RESTART}" if installation.has_changed() else ""
            raise EngineFault(f"the sandbox could not be created: {error}{restart}") from error
        event = await self._process.next_event(timeout_s)
        if event.kind is not EventKind.READY:
            await self._process.kill()  # first, because it may be writing without end
        self._process.drain()
        self._log.finish_output()
        init_ms = (time.perf_counter() - started) * 1000
        failure = self._failure(event, request_id)
        if failure is not None:
            status = failure.status or "error"
            self._log.add(self._format.init_report(_now(), phase, init_ms, status, failure.error_type))
        return init_ms, failure

    async def _invoke(self, invocation: Invocation, response: ResponseStream | None) -> RuntimeEvent:
        """Send the event and wait for what becomes of it."""
        left_s = self._timeout_at - time.perf_counter()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(now_ms() + max(round(left_s * 1000), 0)),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.invoked_arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
            "Lambda-Runtime-Client-Context": invocation.client_context,
        }
        self._process.send(next_invocation(invocation.request_id, invocation.payload, headers), response)
        event = await self._process.next_event(left_s)
        if response is not None:
            event = await self._end_stream(event, response)
        if event.kind is EventKind.TIMEOUT:
            await self._process.kill_soon()  # first, because it may be writing without end
        self._process.drain()
        if event.kind in (EventKind.RESPONSE, EventKind.ERROR) and not self._process.within_memory():
            return await self._wait_killed()
        return event

    async def _end_stream(self, event: RuntimeEvent, response: ResponseStream) -> RuntimeEvent:
        """Close the stream after everything that the process had sent. If it was truncated, wait for the reason."""
        if event.kind is EventKind.TRUNCATED:
            following = await self._process.next_event(_EXIT_S)
            event = following if following.kind is EventKind.EXITED else event
        elif event.kind is EventKind.EXITED:
            await self._process.wait_disconnected()
        response.close()
        return event

    async def _wait_killed(self) -> RuntimeEvent:
        """The process was killed for its memory. What it had sent before no longer counts."""
        while True:
            event = await self._process.next_event(limits.INIT_MAX_S)
            if event.kind in (EventKind.EXITED, EventKind.TIMEOUT):
                return event

    def _failure(self, event: RuntimeEvent, request_id: str) -> Failure | None:
        return failures.from_event(event, request_id, self.function.timeout_s, _now(), self._context.as_of)

    def _report(self, invocation: Invocation, failure: Failure | None, duration_ms: float, init_ms: float | None) -> Report:
        timed_out = failure is not None and failure.status == "timeout"
        return Report(
            request_id=invocation.request_id,
            duration_ms=self.function.timeout_s * 1000.0 if timed_out else duration_ms,
            memory_mb=self.function.memory_mb,
            used_mb=self._process.peak_memory_mb(),
            init_ms=init_ms,
            status=failure.status if failure else "",
            error_type=failure.error_type if failure else "",
        )

    def _end_log(self, report: Report, failure: Failure | None) -> str:
        """Write the last lines of an invocation and return its log's tail."""
        now = _now()
        self._log.finish_output()
        if failure is not None:
            self._log.add(*(LogLine(now_ms(), line) for line in failure.log))
        self._log.add(*self._format.end(now, report))
        return self._log.end()


def _now() -> datetime:
    return datetime.now(UTC)
