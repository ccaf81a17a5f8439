"""Looks at processes through /proc: who is below whom, and how much memory they use."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

HAS_PROC = Path("/proc/self/status").exists()


class Usage(Struct, frozen=True):
    """Memory of one process in KiB. `private` is what only it fills (anonymous and shared memory), `high` the peak of all."""

    private: int
    file: int
    high: int


def descendants(root: int) -> list[int]:
    """Every process below `root`, not `root` itself. Empty when it is gone."""
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = _children(waiting.pop())
        found += below
        waiting += below
    return found


def _children(pid: int) -> list[int]:
    folder = f"/proc/{pid}/task"
    result: list[int] = []
    try:
        for thread in os.listdir(folder):  # noqa: PTH208 - a hot path
            with open(f"{folder}/{thread}/children", "rb", 0) as file:  # noqa: PTH123 - a hot path
                result += [int(word) for word in file.read().split()]
    except OSError:
        return result
    return result


def read_usage(pid: int) -> Usage | None:
    """None when the process is gone, or is a zombie."""
    try:
        with open(f"/proc/{pid}/status", "rb", 0) as file:  # noqa: PTH123 - a hot path
            return parse_status(file.read())
    except OSError:
        return None


def parse_status(text: bytes) -> Usage | None:
    """Takes the memory lines out of /proc/PID/status (proc_pid_status(5)); a zombie has none."""
    high = text.find(b"VmHWM:")
    anonymous = text.find(b"RssAnon:", high)
    if high < 0 or anonymous < 0:
        return None
    file = text.find(b"RssFile:", anonymous)
    shared = text.find(b"RssShmem:", file)
    return Usage(
        private=_number(text, anonymous + 8) + _number(text, shared + 9),
        file=_number(text, file + 8),
        high=_number(text, high + 6),
    )


def _number(text: bytes, start: int) -> int:
    return int(text[start : text.index(b"kB", start)])


def proportional(pids: Iterable[int]) -> int:
    """Anonymous and shared memory of several processes in KiB, where a page that n of them share counts once. Slow."""
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_bytes()
        except OSError:
            continue
        for name in (b"Pss_Anon:", b"Pss_Shmem:"):
            start = text.find(name)
            if start >= 0:
                total += _number(text, start + len(name))
    return total


def descendants_by_ps(root: int) -> list[int]:
    """As `descendants`, where there is no /proc (macOS). Takes some 10 ms."""
    found = {root}
    rows = _ask_ps("pid=,ppid=")
    while more := {pid for pid, parent in rows if parent in found} - found:
        found |= more
    return sorted(found - {root})


def resident_by_ps(pids: Iterable[int]) -> int:
    """Resident memory of these processes together in KiB, where there is no /proc. Takes some 10 ms."""
    wanted = set(pids)
    return sum(size for pid, size in _ask_ps("pid=,rss=") if pid in wanted)


def _ask_ps(columns: str) -> list[tuple[int, int]]:
    listing = subprocess.run(["ps", "-axo", columns], capture_output=True, text=True, check=False).stdout
    return [(int(first), int(second)) for first, second in (line.split() for line in listing.splitlines() if line.strip())]


def signal_all(pids: list[int], number: signal.Signals) -> None:
    """Sends a signal to each process that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
