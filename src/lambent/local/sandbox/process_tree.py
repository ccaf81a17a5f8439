"""Processes as /proc shows them: their descendants and how much memory they use."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from msgspec import Struct

from .kernel_buffers import OpenBuffers, tcp_queues

HAS_PROC = Path("/proc/self/status").exists()


# How /proc names the files of shared memory: memfd_create, System V, shared mappings without a file, and /dev/shm.
_MEMORY_FILES = ("/memfd:", "/SYSV", "/dev/zero (deleted)", "/dev/shm/")
_PIPE_OR_SOCKET = 1024  # about what the kernel needs for an empty one, in bytes
_MAPPING = re.compile(rb"^[0-9a-f]+-[0-9a-f]+ ", re.MULTILINE)


class MemoryUsage(Struct, frozen=True):
    """Memory of one process in KiB. `high` is the peak of all three together. `shared` includes mapped files of a tmpfs.

    `tables` are page tables: memory that a process needs for the rest of its memory, also for what it has only read.
    """

    anonymous: int
    shared: int
    file: int
    high: int
    tables: int = 0


def descendants(root: int) -> list[int]:
    """Return every process below `root`, without `root`. Empty if it has ended."""
    pids: list[int] = []
    parents = [root]
    while parents:
        children = _children(parents.pop())
        pids += children
        parents += children
    return pids


def adopted_children() -> list[int]:
    """Return the children of this process's main thread, which gets those whose parent has ended."""
    with contextlib.suppress(OSError):
        return _children_of_thread(f"/proc/self/task/{os.getpid()}")
    return []


def _children(pid: int) -> list[int]:
    folder = f"/proc/{pid}/task"
    pids: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(folder):  # noqa: PTH208 - a hot path
            pids += _children_of_thread(f"{folder}/{thread}")
    return pids


def _children_of_thread(folder: str) -> list[int]:
    with open(f"{folder}/children", "rb", 0) as file:  # noqa: PTH123 - a hot path
        return [int(word) for word in file.read().split()]


def environment_variables(pid: int) -> list[bytes]:
    """Return the variables that a process was started with, each as NAME=value. Empty if it has ended, or is another user's."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def mapped_files(pid: int) -> set[str]:
    """Return the files that a process has mapped, such as libraries, by the paths that it sees. Empty if it has ended."""
    return {path for path, _ in _mappings(pid)}


def mapped_file_size(pid: int) -> int:
    """Return the size of all mapped files of a process in KiB, resident or not, without shared memory. 0 if it has ended."""
    return sum(size for path, size in _mappings(pid) if not path.startswith(_MEMORY_FILES))


def _mappings(pid: int) -> list[tuple[str, int]]:
    """Return the path and the size in KiB of each mapping of a file (proc_pid_maps(5)). Empty if the process has ended."""
    try:
        lines = Path(f"/proc/{pid}/maps").read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    rows = [fields for fields in (line.split(maxsplit=5) for line in lines) if len(fields) == 6 and fields[5][0] == "/"]
    return [(row[5], _size_kib(row[0])) for row in rows]


def _size_kib(addresses: str) -> int:
    start, end = (int(address, 16) for address in addresses.split("-"))
    return (end - start) // 1024


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
    tables = text.find(b"VmPTE:", shared)
    return MemoryUsage(
        anonymous=_number(text, anonymous + 8),
        shared=_number(text, shared + 9),
        file=_number(text, file + 8),
        high=_number(text, high + 6),
        tables=_number(text, tables + 6) if tables >= 0 else 0,
    )


def _number(text: bytes, start: int) -> int:
    return int(text[start : text.index(b"kB", start)])


def unreclaimable(pids: Iterable[int]) -> tuple[int, int]:
    """Return the anonymous and the shared memory of several processes in KiB. Shared pages count once. Slow.

    Mapped files in /tmp don't count: there /tmp is memory, but on AWS it is a disk, whose pages the kernel can reclaim.
    """
    anonymous = shared = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_bytes()
        except OSError:
            usage = read_usage(pid)  # a process can close its details to others, but not this
            if usage is not None:
                anonymous, shared = anonymous + usage.anonymous, shared + usage.shared
            continue
        anonymous += _field(text, b"Pss_Anon:")
        shared += max(_field(text, b"Pss_Shmem:") - _mapped_in_tmp(pid), 0)
    return anonymous, shared


def _mapped_in_tmp(pid: int) -> int:
    """Return this process's share of the resident pages of files in a /tmp that is a tmpfs. In KiB."""
    try:
        if b" /tmp/" not in Path(f"/proc/{pid}/maps").read_bytes():
            return 0
        text = Path(f"/proc/{pid}/smaps").read_bytes()
    except OSError:
        return 0
    starts = [match.start() for match in _MAPPING.finditer(text)]
    total = 0
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        fields = text[start : text.index(b"\n", start)].split(maxsplit=5)
        if len(fields) == 6 and fields[5].startswith(b"/tmp/") and fields[3].startswith(b"00:"):
            section = text[start:end]
            resident, anonymous = _field(section, b"Rss:"), _field(section, b"Anonymous:")
            total += _field(section, b"Pss:") * (resident - anonymous) // max(resident, 1)  # a changed private page is memory
    return total


def page_faults(pid: int) -> int:
    """Return the page faults of a process that needed no disk. If one may have brought a huge page, they count as many."""
    try:
        with open(f"/proc/{pid}/stat", "rb", 0) as file:  # noqa: PTH123 - a hot path
            text = file.read()
    except OSError:
        return 0
    faults = int(text[text.rindex(b")") :].split()[8])
    return faults * 512 if _huge_pages_always() else faults


@cache
def _huge_pages_always() -> bool:
    try:
        return "[always]" in Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text()
    except OSError:
        return False


def open_memory(pids: Sequence[int]) -> tuple[int, int]:
    """Return the memory of the open files that exist in memory only, such as memfd_create's, and of pipes and sockets. In KiB.

    It isn't part of any process's own memory unless it is mapped. What several processes have open counts once.
    """
    files: dict[int, int] = {}
    buffers: dict[str, int] = {}
    queues = cache(lambda: tcp_queues(next(iter(pids))))
    for pid in pids:
        with contextlib.suppress(OSError), OpenBuffers(pid, queues) as process:
            folder = f"/proc/{pid}/fd"
            for descriptor in os.listdir(folder):  # noqa: PTH208 - a hot path
                with contextlib.suppress(OSError):
                    target = os.readlink(f"{folder}/{descriptor}")  # noqa: PTH115 - a hot path
                    if target.startswith(_MEMORY_FILES):
                        info = os.stat(f"{folder}/{descriptor}")  # noqa: PTH116 - a hot path
                        files[info.st_ino] = info.st_blocks // 2
                    elif target.startswith(("pipe:", "socket:")) and target not in buffers:
                        buffers[target] = _PIPE_OR_SOCKET
                        buffers[target] += process.size(descriptor, target)
    return sum(files.values()), sum(buffers.values()) // 1024


def _field(text: bytes, name: bytes) -> int:
    start = text.find(b"\n" + name)
    return _number(text, start + 1 + len(name)) if start >= 0 else 0


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


def signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to each process that still exists."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
