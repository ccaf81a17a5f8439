"""Enforces the memory limit: checks a sandbox's processes every few milliseconds while they run.

As on AWS, only memory that can't be reclaimed counts (anonymous and shared), summed over all processes of the sandbox. Pages of
files (libraries, the interpreter) belong to the page cache. The kernel's own peak (VmHWM) reveals spikes between two checks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from . import process_tree

_INTERVAL_S = 0.01
_INTERVAL_WITHOUT_PROC_S = 0.25
_FULL_RATE_LIMITS = 4  # if more are active, each checks less often, so that checking takes a few percent of a CPU at most
_KIB_PER_MB = 1024


class MemoryLimit:
    """The limit of the processes that `pids` returns. Calls `on_exceeded` once, when they use more than `limit_mb`."""

    _active: ClassVar[set[MemoryLimit]] = set()

    def __init__(self, pids: Callable[[], list[int]], limit_mb: int, on_exceeded: Callable[[], None]) -> None:
        self._pids = pids
        self._limit = limit_mb * _KIB_PER_MB
        self._on_exceeded = on_exceeded
        self._timer: asyncio.TimerHandle | None = None
        self._files: dict[int, int] = {}
        self._peak = 0
        self.exceeded = False

    def start(self) -> None:
        if not self.exceeded:
            self._active.add(self)
            self._schedule()

    def stop(self) -> None:
        self._active.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def check(self) -> bool:
        """Return whether the processes are within the limit, now and since the last check."""
        if self.exceeded:
            return False
        if self._measure(self._pids()) > self._limit:
            self.exceeded = True
            self.stop()
            self._on_exceeded()
            return False
        return True

    def check_at_end(self) -> bool:
        """`check` before a response is accepted. Without /proc a check is slow, so the last one has to do."""
        return self.check() if process_tree.HAS_PROC else not self.exceeded

    def peak_mb(self) -> int:
        """Return the peak in MB, rounded up. Like AWS's "Max Memory Used", it includes files."""
        return min(-(-self._peak // _KIB_PER_MB), self._limit // _KIB_PER_MB)

    def _schedule(self) -> None:
        if self._timer is None:
            interval = _INTERVAL_S if process_tree.HAS_PROC else _INTERVAL_WITHOUT_PROC_S
            slowdown = max(1.0, len(self._active) / _FULL_RATE_LIMITS)
            self._timer = asyncio.get_running_loop().call_later(interval * slowdown, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self.check():
            self._schedule()

    def _measure(self, pids: list[int]) -> int:
        """Return the private memory of all processes now, or the largest peak of one of them if that is more. In KiB."""
        if not process_tree.HAS_PROC:
            used = process_tree.resident_by_ps(pids)
            self._peak = max(self._peak, used)
            return used
        private = spike = largest_file = 0
        for pid in pids:
            usage = process_tree.read_usage(pid)
            if usage is None:
                continue
            private += usage.private
            # Mapped files may have been larger at the time of the peak than now. The function gets the benefit of the doubt.
            file = self._files[pid] = max(usage.file, self._files.get(pid, 0))
            largest_file = max(largest_file, usage.file)
            spike = max(spike, usage.high - file)
        if private > self._limit and len(pids) > 1:
            private = process_tree.proportional(pids)  # the quick sum counts pages that forked processes share several times
        used = max(private, spike)
        self._peak = max(self._peak, used + largest_file)
        return used
