"""Provisioned concurrency: environments that are initialized before any event comes, and stay."""

from __future__ import annotations

import asyncio

from .invocation import EngineFault, Function, ProvisionedStatus, Throttled
from .pool import STARTS, EnvironmentPool

INIT_FAILED = "FUNCTION_ERROR_INIT_FAILURE"  # AWS's name for it, docs: provisioned-concurrency


class _Allocation:
    """How many environments of one function were requested, and why they could not be started, if so."""

    def __init__(self, requested: int) -> None:
        self.requested = requested
        self.failure = ""
        self.task: asyncio.Task[None] | None = None


class Provisioner:
    """Keeps the requested number of environments of each function, and replaces those that are lost."""

    def __init__(self, pool: EnvironmentPool) -> None:
        self._pool = pool
        self._allocations: dict[Function, _Allocation] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        pool.on_provisioned_lost = self._fill_in_background

    def set(self, function: Function, count: int) -> None:
        """Keep this many environments from now on; 0 ends them. Returns at once."""
        self._allocations.pop(function, None)
        self._pool.trim_provisioned(function, count)
        if count:
            self._allocations[function] = _Allocation(count)
            self._fill_in_background(function)

    def remove(self, arn: str, version: str | None) -> None:
        """Stop replacing environments of one version, or of all versions."""
        for function in [each for each in self._allocations if each.arn == arn and version in (None, each.version)]:
            del self._allocations[function]

    def status(self, function: Function) -> ProvisionedStatus:
        allocation = self._allocations.get(function) or _Allocation(0)
        ready = min(self._pool.count_provisioned(function, ready=True), allocation.requested)
        if ready == allocation.requested:
            return ProvisionedStatus(ready, "READY")
        return ProvisionedStatus(ready, "FAILED" if allocation.failure else "IN_PROGRESS", allocation.failure)

    async def stop(self) -> None:
        self._allocations.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _fill_in_background(self, function: Function) -> None:
        allocation = self._allocations.get(function)
        if allocation is None or (allocation.task is not None and not allocation.task.done()):
            return
        allocation.task = asyncio.ensure_future(self._fill(function, allocation))
        self._tasks.add(allocation.task)
        allocation.task.add_done_callback(self._tasks.discard)

    async def _fill(self, function: Function, allocation: _Allocation) -> None:
        allocation.failure = ""
        while self._allocations.get(function) is allocation:
            missing = allocation.requested - self._pool.count_provisioned(function)
            if missing <= 0 or allocation.failure:
                return
            failures = await asyncio.gather(*(self._start_one(function) for _ in range(min(missing, STARTS))))
            allocation.failure = next(filter(None, failures), "")

    async def _start_one(self, function: Function) -> str:
        """Start an environment. Returns why that failed, or ""."""
        try:
            return "" if await self._pool.add_provisioned(function) else INIT_FAILED
        except Throttled:
            return "this machine can't run more environments"
        except EngineFault as fault:
            return str(fault)
