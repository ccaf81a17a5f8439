"""Enforces the memory limit: looks at a sandbox's processes every few milliseconds while it works.

Counted is what AWS's limit counts: memory that cannot be given back (anonymous and shared), over all processes of the
sandbox. Pages of files (libraries, the interpreter) are the cache's and do not count. A spike between two looks is seen
through the kernel's own peak (VmHWM).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from . import process_tree

_INTERVAL_S = 0.01
_INTERVAL_WITHOUT_PROC_S = 0.25
_BUSY_WATCHES = 4  # with more of them each looks less often, so that looking never takes more than a few percent
_KIB_PER_MB = 1024


class MemoryWatch:
    """Watches the processes that `pids` names. Calls `exceeded` once, when they use more than `limit_mb`."""

    _watching: ClassVar[set[MemoryWatch]] = set()

    def __init__(self, pids: Callable[[], list[int]], limit_mb: int, exceeded: Callable[[], None]) -> None:
        self._pids = pids
        self._limit = limit_mb * _KIB_PER_MB
        self._exceeded_callback = exceeded
        self._timer: asyncio.TimerHandle | None = None
        self._files: dict[int, int] = {}
        self._peak = 0
        self.exceeded = False

    def start(self) -> None:
        if not self.exceeded:
            self._watching.add(self)
            self._look_later()

    def stop(self) -> None:
        self._watching.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def look(self) -> bool:
        """Whether all is within the limit, now and since the last look."""
        if self.exceeded:
            return False
        used = self._measure(self._pids())
        if used > self._limit:
            self.exceeded = True
            self.stop()
            self._exceeded_callback()
            return False
        return True

    def look_at_end(self) -> bool:
        """`look`, before an answer is accepted. Where a look is dear the last one has to do."""
        return self.look() if process_tree.HAS_PROC else not self.exceeded

    def peak_mb(self) -> int:
        """The most that was in use, files included as AWS's "Max Memory Used" does, in MB rounded up."""
        return min(-(-self._peak // _KIB_PER_MB), self._limit // _KIB_PER_MB)

    def _look_later(self) -> None:
        if self._timer is None:
            interval = _INTERVAL_S if process_tree.HAS_PROC else _INTERVAL_WITHOUT_PROC_S
            crowd = max(1.0, len(self._watching) / _BUSY_WATCHES)
            self._timer = asyncio.get_running_loop().call_later(interval * crowd, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self.look():
            self._look_later()

    def _measure(self, pids: list[int]) -> int:
        """Private memory of all processes now, or the most that one of them had since it started, whichever is more. KiB."""
        if not process_tree.HAS_PROC:
            used = process_tree.resident_by_ps(pids)
            self._peak = max(self._peak, used)
            return used
        together = spike = largest_file = 0
        for pid in pids:
            usage = process_tree.read_usage(pid)
            if usage is None:
                continue
            together += usage.private
            # Mapped files may have been more at the time of the peak than now; the benefit of the doubt is the function's.
            file = self._files[pid] = max(usage.file, self._files.get(pid, 0))
            largest_file = max(largest_file, usage.file)
            spike = max(spike, usage.high - file)
        if together > self._limit and len(pids) > 1:
            together = process_tree.proportional(pids)  # forked processes share pages, which the quick sum counts for each
        used = max(together, spike)
        self._peak = max(self._peak, used + largest_file)
        return used
