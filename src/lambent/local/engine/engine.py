"""Runs functions in execution environments: on demand, streamed, or with provisioned concurrency."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from lambent.limits import INIT_MAX_S
from lambent.local.sandbox.orphans import end_abandoned
from lambent.local.sandbox.runtimes import Runtimes
from lambent.local.sandbox.sandbox import SandboxFactory
from lambent.local.unpack import remove

from .execution_environment import EnvironmentContext, ExecutionEnvironment
from .failures import Failure
from .import_profile import profile_imports
from .invocation import EngineFault, Function, Invocation, Outcome, ProvisionedStatus, Start, Throttled
from .log_sink import LogSink
from .pool import EnvironmentPool
from .provisioning import Provisioner
from .recorder import INTERRUPTED, THROTTLED, Execution, Recorder
from .response_stream import ResponseStream
from .runtime_process import ServeClients
from .warm_process import WarmImports


class EngineSettings(Struct, frozen=True):
    """`state` and `cache` are lambent's folders. `service_url` is where functions find AWS's APIs.

    In an environment with a network of its own, `serve_clients` answers the connections to that address.

    `environ` is used to find interpreters and the package index, and never reaches a function. An environment that was
    idle for longer than `idle_s` is shut down.
    """

    state: Path
    cache: Path
    service_url: str
    as_of: date
    environ: Mapping[str, str]
    idle_s: float = 300.0
    serve_clients: ServeClients | None = None


class Sinks(Struct, frozen=True):
    """Where the log lines and the records of invocations go."""

    logs: LogSink
    recorder: Recorder


class Development:
    """The code of a function version while `lambent dev` runs: a folder that changes, in place of the version's own."""

    def __init__(self, code: Path, start: Start) -> None:
        self.imports = WarmImports()
        self.is_current = asyncio.Event()
        self.is_current.set()
        self._code, self._start = code, start

    def apply(self, function: Function) -> Function:
        return replace(function, code=self._code, start=self._start)


class Engine:
    """Create it and use it within one event loop.

    `credentials` returns the AWS_ variables of the function's role. `reserved_concurrency(region, name)` is the function's
    limit, or None. `restore_code` is called when a function's code isn't there; it may block, and raises LocalError or OSError.
    """

    def __init__(
        self,
        *,
        factory: SandboxFactory,
        sinks: Sinks,
        credentials: Callable[[Function], Mapping[str, str]],
        reserved_concurrency: Callable[[str, str], int | None],
        restore_code: Callable[[Function], None],
        settings: EngineSettings,
    ) -> None:
        self._factory = factory
        self._recorder = sinks.recorder
        self._reserved_concurrency = reserved_concurrency
        scratch = settings.state / "environments"
        with contextlib.suppress(OSError):
            end_abandoned(scratch)  # left by a service that was killed
            remove(scratch)
        self._context = context = EnvironmentContext(
            factory=factory,
            runtimes=Runtimes(settings.cache, settings.environ),
            logs=sinks.logs,
            credentials=credentials,
            restore_code=restore_code,
            service_url=settings.service_url,
            serve_clients=settings.serve_clients,
            scratch=scratch,
            as_of=settings.as_of,
        )
        self._pool = EnvironmentPool(
            lambda function, on_init: ExecutionEnvironment(function, context, on_init, self._imports(function)), settings.idle_s
        )
        self._development: dict[tuple[str, str], Development] = {}
        self._provisioner = Provisioner(self._pool)
        self._profiling = asyncio.Lock()
        self._running: Counter[str] = Counter()
        self._busy: dict[int, ExecutionEnvironment] = {}
        self._invocations: set[asyncio.Task[Outcome]] = set()

    async def invoke(self, function: Function, invocation: Invocation) -> Outcome:
        """Run one event to its end. Raises Throttled or EngineFault; an error of the function is an Outcome.

        As on AWS, the function keeps running if the caller goes away.
        """
        return await asyncio.shield(self._start(function, invocation))

    async def stream(self, function: Function, invocation: Invocation) -> ResponseStream:
        """Run one event. Returns when the function begins to stream, or at its end if it never does. Raises as `invoke`."""
        response = ResponseStream()
        await response.wait_for(self._start(function, invocation, response))
        return response

    async def retire(self, arn: str, version: str | None = None) -> None:
        """End the idle environments of one version, or of all versions. Busy ones finish their event first."""
        self._provisioner.remove(arn, version)
        await self._pool.retire(arn, version)

    async def develop(self, function: Function, development: Development | None) -> None:
        """Run a function version from changing code from now on, or, with None, as it is."""
        key = (function.arn, function.version)
        self._development.pop(key, None)
        await self.retire(*key)
        if development is not None:
            self._development[key] = development

    async def refresh(self, function: Function, *, settle: bool = False) -> Failure | None:
        """The code of a function in development has changed: later invocations use it. Running ones end with the old one.

        With `settle`, also wait for what makes the next start fast. Returns the failure of the first start with the new code.
        Raises Throttled or EngineFault.
        """
        development = self._development[function.arn, function.version]
        function = development.apply(function)
        development.is_current.clear()  # requests wait for the start, which takes less time than another environment
        try:
            if function.start == "cold":
                await self._pool.retire(function.arn, function.version)
            return await self._pool.refresh(function, INIT_MAX_S, settle=settle)
        finally:
            development.is_current.set()

    def provision(self, function: Function, count: int) -> None:
        """Keep this many environments initialized from now on; 0 ends them. Returns at once."""
        self._provisioner.set(function, count)

    def provisioned(self, function: Function) -> ProvisionedStatus:
        return self._provisioner.status(function)

    def flush_log(self, execution_id: int) -> str:
        """Write what a running invocation has logged so far. Return its log stream, or "" if it has no environment yet."""
        environment = self._busy.get(execution_id)
        return environment.flush_log() if environment is not None else ""

    async def profile_imports(self, function: Function) -> tuple[bool, list[str]]:
        """Start a version in an environment of its own. Return whether that succeeded, and the times of its imports.

        The times are in lines as `python -X importtime` prints them, among others. One version at a time. Raises EngineFault.
        """
        async with self._profiling:
            return await profile_imports(function, self._context)

    async def stop(self) -> None:
        await self._provisioner.stop()
        await self._pool.stop()
        for task in self._invocations:
            task.cancel()
        await asyncio.gather(*self._invocations, return_exceptions=True)
        await self._factory.stop()

    def describe(self) -> dict[str, object]:
        """Return the kind of sandbox and the environments by function version, for `lambent local status`."""
        network = "own" if self._factory.own_network else "shared"
        return {
            "sandbox": self._factory.kind,
            "network": network,
            "why_shared": self._factory.why_shared,
            "environments": self._pool.describe(),
        }

    def _start(
        self, function: Function, invocation: Invocation, response: ResponseStream | None = None
    ) -> asyncio.Task[Outcome]:
        """Start one invocation, counted until the function has ended. Raises Throttled."""
        limit = self._reserved_concurrency(function.region, function.name)
        if limit is not None and self._running[function.arn] >= limit:
            self._recorder.end(self._recorder.begin(function, invocation), refusal=THROTTLED)
            raise Throttled
        self._running[function.arn] += 1
        execution = self._recorder.begin(function, invocation)
        task = asyncio.ensure_future(self._record(execution, response))
        self._invocations.add(task)
        task.add_done_callback(self._invocations.discard)
        task.add_done_callback(lambda _: self._running.subtract((function.arn,)))
        return task

    async def _record(self, execution: Execution, response: ResponseStream | None) -> Outcome:
        """Run an invocation, and record how it ended."""
        outcome, refusal = None, INTERRUPTED
        try:
            outcome = await self._invoke(execution, response)
            return outcome
        except Throttled:
            refusal = THROTTLED
            raise
        except EngineFault as fault:
            refusal = str(fault)
            raise
        finally:
            streamed = response.head if response is not None and response.content_type is not None else None
            self._recorder.end(execution, outcome, "" if outcome else refusal, streamed)

    async def _current(self, function: Function) -> Function:
        development = self._development.get((function.arn, function.version))
        if development is None:
            return function
        await development.is_current.wait()
        return development.apply(function)

    def _imports(self, function: Function) -> WarmImports | None:
        development = self._development.get((function.arn, function.version))
        return development.imports if development is not None and function.start == "warm" else None

    async def _invoke(self, execution: Execution, response: ResponseStream | None) -> Outcome:
        try:
            environment = self._busy[execution.id] = await self._pool.acquire(await self._current(execution.function))
            try:
                outcome = await environment.run(execution.invocation, response)
            except BaseException:
                self._pool.discard(environment)
                raise
            self._pool.release_when_idle(environment)
            return outcome
        finally:
            self._busy.pop(execution.id, None)
            if response is not None:
                response.close()
