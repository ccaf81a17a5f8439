"""Processes as /proc shows them: their descendants and how much memory they use."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

HAS_PROC = Path("/proc/self/status").exists()


class MemoryUsage(Struct, frozen=True):
    """Memory of one process in KiB. `private` is anonymous and shared memory, `high` the peak of `private` and `file`."""

    private: int
    file: int
    high: int


def descendants(root: int) -> list[int]:
    """Return every process below `root`, without `root`. Empty if it has ended."""
    pids: list[int] = []
    parents = [root]
    while parents:
        children = _children(parents.pop())
        pids += children
        parents += children
    return pids


def _children(pid: int) -> list[int]:
    folder = f"/proc/{pid}/task"
    pids: list[int] = []
    try:
        for thread in os.listdir(folder):  # noqa: PTH208 - a hot path
            with open(f"{folder}/{thread}/children", "rb", 0) as file:  # noqa: PTH123 - a hot path
                pids += [int(word) for word in file.read().split()]
    except OSError:
        return pids
    return pids


def mapped_files(pid: int) -> set[str]:
    """Return the files that a process has mapped, such as libraries, by the paths that it sees. Empty if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/maps").read_text("utf-8", "replace").splitlines()
    except OSError:
        return set()
    return {fields[5] for fields in (line.split(maxsplit=5) for line in lines) if len(fields) == 6 and fields[5][0] == "/"}


def read_usage(pid: int) -> MemoryUsage | None:
    """Return None if the process has ended or is a zombie."""
    try:
        with open(f"/proc/{pid}/status", "rb", 0) as file:  # noqa: PTH123 - a hot path
            return parse_status(file.read())
    except OSError:
        return None


def parse_status(text: bytes) -> MemoryUsage | None:
    """Parse the memory lines of /proc/PID/status (proc_pid_status(5)). A zombie has none."""
    high = text.find(b"VmHWM:")
    anonymous = text.find(b"RssAnon:", high)
    if high < 0 or anonymous < 0:
        return None
    file = text.find(b"RssFile:", anonymous)
    shared = text.find(b"RssShmem:", file)
    return MemoryUsage(
        private=_number(text, anonymous + 8) + _number(text, shared + 9),
        file=_number(text, file + 8),
        high=_number(text, high + 6),
    )


def _number(text: bytes, start: int) -> int:
    return int(text[start : text.index(b"kB", start)])


def proportional(pids: Iterable[int]) -> int:
    """Return the anonymous and shared memory of several processes in KiB. Shared pages count once. Slow."""
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
    """Return what `descendants` does where there is no /proc (macOS). Takes about 10 ms."""
    tree = {root}
    rows = _ps("pid=,ppid=")
    while children := {pid for pid, parent in rows if parent in tree} - tree:
        tree |= children
    return sorted(tree - {root})


def resident_by_ps(pids: Iterable[int]) -> int:
    """Return the resident memory of these processes in KiB, where there is no /proc. Takes about 10 ms."""
    processes = set(pids)
    return sum(size for pid, size in _ps("pid=,rss=") if pid in processes)


def _ps(columns: str) -> list[tuple[int, int]]:
    listing = subprocess.run(["ps", "-axo", columns], capture_output=True, text=True, check=False).stdout
    return [(int(first), int(second)) for first, second in (line.split() for line in listing.splitlines() if line.strip())]


def signal_all(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to each process that still exists."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
