"""Enforces the memory limit: checks a sandbox's processes every few milliseconds while they run, and slowly while frozen.

As on AWS, only memory that can't be reclaimed counts (anonymous and shared), summed over all processes of the sandbox. Pages of
files (libraries, the interpreter, mapped files in /tmp) belong to the page cache. The kernel's own peak (VmHWM) reveals spikes
between two checks. Memory that no process has mapped is looked for in open files, less often: that of memfd_create, and what
pipes and sockets hold.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import ClassVar

from . import process_tree
from .process_tree import MemoryUsage

_INTERVAL_S = 0.01
_INTERVAL_WITHOUT_PROC_S = 0.25
_INTERVAL_FROZEN_S = 2.0
_SCAN_S = 0.1  # between two looks at open files, which take longer than the check
_SCAN_AT_END_S = 0.05  # before a response: what was written since the last look is noticed while it is frozen
_PRECISE_SHARE = 20  # a precise measurement is used for this many times as long as it took, so that it takes 5% of a CPU
_FULL_RATE_LIMITS = 4  # if more are active, each checks less often, so that checking takes a few percent of a CPU at most
_REST_SHARE = 9  # the pause after a check is at least this many times its CPU time: a thousand processes take a while
_MEASURED_AT_ONCE = 32  # a measurement of more processes could wait for seconds while they fork: a thread does it
_KIB_PER_MB = 1024
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


class MemoryLimit:
    """The limit of the processes that `pids` returns. Calls `on_exceeded` once, when they use more than `limit_mb`."""

    _active: ClassVar[set[MemoryLimit]] = set()

    def __init__(self, pids: Callable[[], list[int]], limit_mb: int, on_exceeded: Callable[[], None]) -> None:
        self._pids = pids
        self._limit = limit_mb * _KIB_PER_MB
        self._on_exceeded = on_exceeded
        self._timer: asyncio.TimerHandle | None = None
        self._files: dict[int, int] = {}
        self._last: dict[int, tuple[int, int, int]] = {}  # by pid: the peak, the memory and the page faults at that time
        self._peak = 0
        self._scanned = self._scan_took_s = 0.0
        self._scanning: asyncio.Future[None] | None = None
        self._open_files = self._buffers = 0
        self._precise, self._precise_until = (0, 0), 0.0
        self._measuring: asyncio.Future[None] | None = None
        self._frozen = False
        self._took_s = 0.0  # CPU time of the last check
        self._before_check: Callable[[], None] = lambda: None
        self.exceeded = False

    def start(self) -> None:
        """Check often from now on."""
        if not self.exceeded:
            self.stop()
            self._frozen = False
            self._active.add(self)
            self._schedule()

    def start_frozen(self, before_check: Callable[[], None]) -> None:
        """Check now and then from now on: frozen processes should not grow."""
        if not self.exceeded:
            self.stop()
            self._frozen = True
            self._before_check = before_check
            self._schedule()

    def stop(self) -> None:
        self._active.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def check_at_end(self) -> bool:
        """Return whether the processes are within the limit, now and since the last check: before a response is accepted.

        Without /proc a check is slow, so the last one has to do.
        """
        self._precise_until = 0.0
        return self._check(_SCAN_AT_END_S) if process_tree.HAS_PROC else not self.exceeded

    def peak_mb(self) -> int:
        """Return the peak in MB, rounded up. Like AWS's "Max Memory Used", it includes files."""
        return min(-(-self._peak // _KIB_PER_MB), self._limit // _KIB_PER_MB)

    def _schedule(self) -> None:
        if self._timer is None:
            if self._frozen:
                interval = _INTERVAL_FROZEN_S
            else:
                interval = _INTERVAL_S if process_tree.HAS_PROC else _INTERVAL_WITHOUT_PROC_S
                interval = max(interval * max(1.0, len(self._active) / _FULL_RATE_LIMITS), _REST_SHARE * self._took_s)
            self._timer = asyncio.get_running_loop().call_later(interval, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._frozen:
            self._before_check()
        started = time.thread_time()
        is_within = self._check(_SCAN_S)
        self._took_s = time.thread_time() - started
        if is_within:
            self._schedule()

    def _check(self, pause_s: float) -> bool:
        """Return whether the processes are within the limit. Their open files count as they were up to `pause_s` ago."""
        if self.exceeded:
            return False
        pids = self._pids()
        self._scan(pids, pause_s)
        if self._measure(pids) > self._limit:
            self.exceeded = True
            self.stop()
            self._on_exceeded()
            return False
        return True

    def _scan(self, pids: list[int], pause_s: float) -> None:
        """Look at open files, unless the last look was less than `pause_s` ago. If there are many of them, a thread does it."""
        if not process_tree.HAS_PROC or time.monotonic() - self._scanned < max(pause_s, self._scan_took_s):
            return
        if len(pids) <= _MEASURED_AT_ONCE and self._scan_took_s < _INTERVAL_S:
            self._scan_now(pids)
        elif self._scanning is None or self._scanning.done():
            self._scanning = asyncio.get_running_loop().run_in_executor(None, self._scan_now, pids)

    def _scan_now(self, pids: list[int]) -> None:
        started = time.thread_time()
        self._open_files, self._buffers = process_tree.open_memory(pids)
        self._scan_took_s = time.thread_time() - started
        self._scanned = time.monotonic()

    def _measure(self, pids: list[int]) -> int:
        """Return the memory of all processes now, or the largest peak of one of them if that is more. In KiB."""
        if not process_tree.HAS_PROC:
            used = process_tree.resident_by_ps(pids)
            self._peak = max(self._peak, used)
            return used
        anonymous = shared = spike = largest_file = 0
        kernel = self._buffers
        for pid in pids:
            usage = process_tree.read_usage(pid)
            if usage is None:
                continue
            anonymous += usage.anonymous
            shared += usage.shared
            kernel += usage.tables
            largest_file = max(largest_file, usage.file)
            spike = max(spike, self._spike(pid, usage))
        used = anonymous + max(shared, self._open_files) + kernel
        if used > self._limit:
            # The quick sum counts pages that forked processes share several times, and files in /tmp.
            anonymous, shared = self._unreclaimable(pids)
            used = anonymous + max(shared, self._open_files) + kernel
        used = max(used, spike)
        self._peak = max(self._peak, used + largest_file)
        return used

    def _spike(self, pid: int, usage: MemoryUsage) -> int:
        """Return the peak of a process without files, in KiB.

        Mapped files may have been larger at the time of the peak than now. The function gets the benefit of the doubt. Memory
        needs a page fault for each page, files only one for many: few faults since the last check mean that it was a file.
        """
        file = max(usage.file, self._files.get(pid, 0))
        high, used, faults = self._last.get(pid, (0, usage.anonymous + usage.shared, 0))
        now = process_tree.page_faults(pid)
        if usage.high > high and usage.high - file > self._limit:
            file = max(file, process_tree.mapped_file_size(pid), usage.high - used - (now - faults) * _PAGE_KIB)
        self._last[pid] = usage.high, usage.anonymous + usage.shared, now
        self._files[pid] = file
        return usage.high - file

    def _unreclaimable(self, pids: list[int]) -> tuple[int, int]:
        """Return the precise anonymous and shared memory in KiB. It takes milliseconds, so it isn't measured again at once.

        Of many processes it is what the last measurement has found, or nothing before the first one has ended.
        """
        if time.monotonic() >= self._precise_until:
            if len(pids) <= _MEASURED_AT_ONCE:
                self._measure_precisely(pids)
            elif self._measuring is None or self._measuring.done():
                self._measuring = asyncio.get_running_loop().run_in_executor(None, self._measure_precisely, pids)
        return self._precise

    def _measure_precisely(self, pids: list[int]) -> None:
        started = time.monotonic()
        self._precise = process_tree.unreclaimable(pids)
        now = time.monotonic()
        self._precise_until = now + _PRECISE_SHARE * (now - started)
