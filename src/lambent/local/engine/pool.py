"""Decides which environment runs an invocation: an idle one, one that is about to become idle, or a new one."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable

from .execution_environment import ExecutionEnvironment
from .failures import Failure
from .invocation import Function, Throttled
from .machine_limits import environments_max

_GRACE_S = 0.05
"""How long an invocation waits for an environment that has responded and is about to ask for its next event."""

STARTS = max(8, 4 * (os.cpu_count() or 1))
"""Environments that may start at the same time. More would only slow each other down, so further invocations wait."""

_SWEEP_S = 5.0

_Waiters = deque[asyncio.Future[ExecutionEnvironment | None]]


class _VersionPool:
    """The environments of one function version. `finishing` of the busy ones have responded and are not idle yet."""

    def __init__(self) -> None:
        self.idle: list[ExecutionEnvironment] = []
        self.busy: set[ExecutionEnvironment] = set()
        self.finishing = 0
        self.waiters: _Waiters = deque()

    @property
    def unused(self) -> bool:
        return not (self.idle or self.busy or self.waiters)

    @property
    def provisioned(self) -> list[ExecutionEnvironment]:
        """The provisioned environments that are to stay, busy ones first."""
        return [each for each in (*self.busy, *self.idle) if each.provisioned and not each.retired]

    def take_idle(self) -> ExecutionEnvironment:
        """Take a provisioned environment if there is one, else the one that was used last."""
        index = next((number for number, each in enumerate(self.idle) if each.provisioned), -1)
        environment = self.idle.pop(index)
        self.busy.add(environment)
        return environment


class EnvironmentPool:
    """`create(function, on_init)` returns a new environment, which calls `on_init` once its first init has ended."""

    def __init__(self, create: Callable[[Function, Callable[[], None]], ExecutionEnvironment], idle_s: float) -> None:
        self._create = create
        self._idle_s = idle_s
        self._limit = environments_max()
        self._versions: dict[Function, _VersionPool] = {}
        self._starting = 0
        self._start_waiters: _Waiters = deque()
        self._closing: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._stopped = False
        self.on_provisioned_lost: Callable[[Function], None] = lambda function: None

    async def acquire(self, function: Function) -> ExecutionEnvironment:
        """Return an environment for one invocation. Raises Throttled, or EngineFault when none can be created."""
        waited = False
        while True:
            version = self._version(function)
            if version.idle:
                return version.take_idle()
            if version.finishing > len(version.waiters) and not waited:
                waited = True
                environment = await self._wait(version.waiters, timeout_s=_GRACE_S)
            elif self._starting >= STARTS:
                environment = await self._wait(version.waiters, self._start_waiters)
            else:
                return await self._start(function, version)
            if environment is not None:
                return environment

    async def add_provisioned(self, function: Function) -> bool:
        """Start a provisioned environment. Returns False if its init failed; it is then gone. Raises as `acquire`."""
        version = self._version(function)
        environment = await self._start(function, version, provisioned=True)
        try:
            failure = await environment.initialize()
        except BaseException:
            self._remove(environment)
            raise
        if failure is None:
            version.finishing += 1
            self._release(environment)
        else:
            self._remove(environment)
        return failure is None

    def count_provisioned(self, function: Function, *, ready: bool = False) -> int:
        """Count the provisioned environments of a function, or only those that have ended their init."""
        environments = self._versions[function].provisioned if function in self._versions else []
        return sum(each.initialized for each in environments) if ready else len(environments)

    def trim_provisioned(self, function: Function, count: int) -> None:
        """End all but `count` provisioned environments. Busy ones finish their event first."""
        version = self._versions.get(function, _VersionPool())
        for environment in version.provisioned[count:]:
            environment.retired = True
            if environment in version.idle:
                version.idle.remove(environment)
                self._close(environment)

    def release_when_idle(self, environment: ExecutionEnvironment) -> None:
        """The environment has responded. Hand it out again as soon as it asks for its next event."""
        self._versions[environment.function].finishing += 1
        environment.when_idle(lambda: self._release(environment))

    def discard(self, environment: ExecutionEnvironment) -> None:
        """End an environment, whatever it is doing."""
        self._remove(environment)
        if environment.provisioned:
            self.on_provisioned_lost(environment.function)

    async def retire(self, arn: str, version: str | None) -> None:
        """End the idle environments of one version, or of all versions. Busy ones finish their event first."""
        for function, environments in list(self._versions.items()):
            if function.arn != arn or version not in (None, function.version):
                continue
            for environment in environments.busy:
                environment.retired = True
            idle, environments.idle = environments.idle, []
            for environment in idle:
                self._close(environment)
            if environments.unused:
                del self._versions[function]
        await self._wait_closed()

    async def refresh(self, function: Function, timeout_s: float, *, settle: bool) -> Failure | None:
        """Let the function's environments start their process again before their next event, and one of them at once.

        With `settle` the next start will be as fast as it can be. Returns the failure of that start. Raises as `acquire`.
        """
        version = self._version(function)
        for environment in (*version.idle, *version.busy):
            environment.outdated = True
        environment = await self.acquire(function)
        try:
            failure = await environment.initialize(timeout_s)
            if settle and failure is None:
                await environment.settle()
        except BaseException:
            self._remove(environment)
            raise
        version.finishing += 1
        self._release(environment)
        return failure

    async def stop(self) -> None:
        self._stopped = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for version in self._versions.values():
            for environment in (*version.idle, *version.busy):
                self._close(environment)
            version.idle.clear()
            version.busy.clear()
        await self._wait_closed()

    def describe(self) -> dict[str, object]:
        return {
            f"{function.name}:{function.version}": {"idle": len(version.idle), "busy": len(version.busy)}
            for function, version in self._versions.items()
            if version.idle or version.busy
        }

    def _version(self, function: Function) -> _VersionPool:
        return self._versions.setdefault(function, _VersionPool())

    async def _start(self, function: Function, version: _VersionPool, *, provisioned: bool = False) -> ExecutionEnvironment:
        if sum(len(each.idle) + len(each.busy) for each in self._versions.values()) >= self._limit:
            self._evict()
        self._starting += 1
        environment = self._create(function, self._on_init)
        environment.provisioned = provisioned
        version.busy.add(environment)
        try:
            await environment.prepare()
        except BaseException:
            self._remove(environment)
            self._on_init()
            raise
        return environment

    def _on_init(self) -> None:
        """An environment has ended its init, or failed: the next one may start."""
        self._starting -= 1
        _wake_first(self._start_waiters, None)

    def _release(self, environment: ExecutionEnvironment) -> None:
        version = self._versions[environment.function]
        version.finishing -= 1
        if environment.retired or self._stopped:
            self.discard(environment)
            return
        if _wake_first(version.waiters, environment):
            return
        version.busy.discard(environment)
        version.idle.append(environment)
        environment.freeze_soon()
        if self._sweeper is None:
            self._schedule_sweep()

    def _remove(self, environment: ExecutionEnvironment) -> None:
        version = self._versions.get(environment.function)
        if version is not None:
            version.busy.discard(environment)
            if version.unused:
                del self._versions[environment.function]
        self._close(environment)

    def _evict(self) -> None:
        """End the environment that has been idle for longest. Raises Throttled when none is idle."""
        idle = [
            (environment.last_used, version, environment)
            for version in self._versions.values()
            for environment in version.idle
            if not environment.provisioned
        ]
        if not idle:
            raise Throttled
        _, version, environment = min(idle, key=lambda entry: entry[0])
        version.idle.remove(environment)
        self._close(environment)

    async def _wait(self, *queues: _Waiters, timeout_s: float | None = None) -> ExecutionEnvironment | None:
        """Wait in all these queues at once. Returns None when it is time to look again."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[ExecutionEnvironment | None] = loop.create_future()
        for queue in queues:
            queue.append(waiter)
        timer = loop.call_later(timeout_s, _wake, waiter, None) if timeout_s else None
        try:
            return await waiter
        finally:
            if timer is not None:
                timer.cancel()
            for queue in queues:
                if waiter in queue:
                    queue.remove(waiter)

    def _close(self, environment: ExecutionEnvironment) -> None:
        task = asyncio.ensure_future(environment.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _wait_closed(self) -> None:
        while self._closing:
            await asyncio.gather(*self._closing, return_exceptions=True)

    def _schedule_sweep(self) -> None:
        self._sweeper = asyncio.get_running_loop().call_later(min(_SWEEP_S, self._idle_s / 2), self._sweep)

    def _sweep(self) -> None:
        """End environments that have been idle for too long."""
        self._sweeper = None
        oldest = time.monotonic() - self._idle_s
        for function, version in list(self._versions.items()):
            for environment in [each for each in version.idle if each.last_used < oldest and not each.provisioned]:
                version.idle.remove(environment)
                self._close(environment)
            if version.unused:
                del self._versions[function]
        if any(version.idle for version in self._versions.values()):
            self._schedule_sweep()


def _wake(waiter: asyncio.Future[ExecutionEnvironment | None], environment: ExecutionEnvironment | None) -> bool:
    if waiter.done():
        return False
    waiter.set_result(environment)
    return True


def _wake_first(queue: _Waiters, environment: ExecutionEnvironment | None) -> bool:
    """Wake the first waiter that still waits. Returns whether there was one."""
    while queue:
        if _wake(queue.popleft(), environment):
            return True
    return False
