"""What counts as memory, with real processes."""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from lambent.local.sandbox import process_tree
from lambent.local.sandbox.memory_limit import MemoryLimit
from lambent.local.sandbox.process_sandbox import ProcessFactory
from lambent.local.sandbox.sandbox import ProcessExit, SandboxFactory
from support.functions import collect, make_spec
from support.sandboxes import run_script, with_factory
from support.waiting import eventually_async


def test_memory_spike_between_two_checks_counts(any_factory: Callable[[], SandboxFactory], tmp_path: Path) -> None:
    script = """
    import mmap, time
    mmap.mmap(-1, 300 << 20).write(b"x" * 10)
    spike = bytearray(300 << 20)
    del spike
    print("done", flush=True)
    time.sleep(30)
    """

    async def body(factory: SandboxFactory) -> ProcessExit:
        sandbox = await factory.start(make_spec(tmp_path, script))
        sandbox._memory.stop()  # type: ignore[attr-defined]  # as if no check happened during the spike
        done = asyncio.Event()
        sandbox.listen(lambda _: done.set())
        await done.wait()
        assert not sandbox.within_memory()
        return await sandbox.wait()

    assert with_factory(any_factory, body).out_of_memory


def test_memory_file_that_was_written_quickly_counts_at_the_end(
    any_factory: Callable[[], SandboxFactory], tmp_path: Path
) -> None:
    script = """
    import os, time
    descriptor = os.memfd_create("quick")
    for _ in range(300):
        os.write(descriptor, bytes(1 << 20))
    print("done", flush=True)
    time.sleep(30)
    """

    async def body(factory: SandboxFactory) -> ProcessExit:
        sandbox = await factory.start(make_spec(tmp_path, script))
        sandbox._memory.stop()  # type: ignore[attr-defined]  # as if it took less time than until the next look
        done = asyncio.Event()
        sandbox.listen(lambda _: done.set())
        await done.wait()
        assert not sandbox.within_memory()
        return await sandbox.wait()

    assert with_factory(any_factory, body).out_of_memory


def test_mapped_file_between_two_checks_is_not_a_spike(any_factory: Callable[[], SandboxFactory], tmp_path: Path) -> None:
    """Such as a model that is read through a map, on a machine that is too busy for a check at that moment."""
    script = """
    import mmap, tempfile, time
    with open(tempfile.gettempdir() + "/model", "wb") as file:
        for _ in range(300):
            file.write(b"x" * (1 << 20))
    input_file = open(file.name, "rb")
    with mmap.mmap(input_file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        sum(mapped[position] for position in range(0, len(mapped), 4096))
    print("done", flush=True)
    time.sleep(30)
    """

    async def body(factory: SandboxFactory) -> bool:
        sandbox = await factory.start(make_spec(tmp_path, script, tmp_mb=512))
        sandbox._memory.stop()  # type: ignore[attr-defined]  # as if no check happened during the map
        done = asyncio.Event()
        sandbox.listen(lambda _: done.set())
        await done.wait()
        return sandbox.within_memory() and sandbox.within_memory()

    assert with_factory(any_factory, body)


def test_memory_that_was_returned_before_a_mapped_file_is_not_part_of_a_spike(
    any_factory: Callable[[], SandboxFactory], tmp_path: Path
) -> None:
    """Its page faults are older than the last check, although it has raised no peak."""
    script = """
    import mmap, os, signal, tempfile
    for number in range(20):
        with mmap.mmap(-1, 20 << 20) as memory:
            for position in range(0, len(memory), 4096):
                memory[position] = 1
        if number == 0:
            print("first", flush=True)
            os.kill(os.getpid(), signal.SIGSTOP)
    with open(tempfile.gettempdir() + "/model", "wb") as file:
        for _ in range(300):
            file.write(b"x" * (1 << 20))
    print("returned", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    input_file = open(file.name, "rb")
    with mmap.mmap(input_file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        sum(mapped[position] for position in range(0, len(mapped), 4096))
    print("done", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    """

    def is_waiting(pids: list[int]) -> bool:
        return all("T (stopped)" in Path(f"/proc/{pid}/status").read_text() for pid in pids)

    async def body(factory: SandboxFactory) -> bool:
        sandbox = await factory.start(make_spec(tmp_path, script, tmp_mb=512))
        sandbox._memory.stop()  # type: ignore[attr-defined]  # the test decides when a check happens
        chunks = collect(sandbox)

        for word in (b"first", b"returned", b"done"):
            await eventually_async(lambda word=word: word in b"".join(chunks) and is_waiting(sandbox._pids()))
            assert sandbox.within_memory(), word
            process_tree.signal_all(sandbox._pids(), signal.SIGCONT)
        return True

    assert with_factory(any_factory, body)


def test_pages_that_forked_processes_share_count_once(any_factory: Callable[[], SandboxFactory], tmp_path: Path) -> None:
    script = """
    import os, time
    data = bytearray(100 << 20)
    for _ in range(4):
        if os.fork() == 0:
            time.sleep(0.3)  # long enough for several checks of the memory
            os._exit(0)
    for _ in range(4):
        os.wait()
    """
    exit, _ = with_factory(any_factory, lambda factory: run_script(factory, make_spec(tmp_path, script)))
    assert exit == ProcessExit(0, None)


MAP_FILE = """
    import mmap, os, sys, tempfile, time
    with open(tempfile.gettempdir() + "/model", "wb") as file:
        for _ in range(300):
            file.write(b"x" * (1 << 20))
    with open(file.name, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_{access}) as mapped:
        if "{access}" == "COPY":
            for position in range(0, len(mapped), 4096):
                mapped[position] = 1
        for _ in range(5):
            sum(mapped[position] for position in range(0, len(mapped), 4096))
            time.sleep(0.05)  # long enough for several checks of the memory
        if os.fork() == 0:
            sum(mapped[position] for position in range(0, len(mapped), 4096))
            os._exit(0)
        os.wait()
    print("read")
"""


def test_mapped_file_in_tmp_is_not_memory(any_factory: Callable[[], SandboxFactory], tmp_path: Path) -> None:
    """Such as a model or a database of 300 MB in a function of 256 MB: on AWS, /tmp is a disk."""
    spec = make_spec(tmp_path, MAP_FILE.format(access="READ"), tmp_mb=512)
    assert with_factory(any_factory, lambda factory: run_script(factory, spec)) == (ProcessExit(0, None), "read\n")


def test_changed_private_pages_of_a_file_in_tmp_are_memory(any_factory: Callable[[], SandboxFactory], tmp_path: Path) -> None:
    spec = make_spec(tmp_path, MAP_FILE.format(access="COPY"), tmp_mb=512)
    assert with_factory(any_factory, lambda factory: run_script(factory, spec))[0].out_of_memory


FILL_SOCKETS = """
for _ in range(400):
    pair = socket.socketpair()
    for sock in pair:
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while sock.send(bytes(1 << 16)):
                pass
    kept += pair
    {then}
"""
FILL_TCP = """
listener = socket.create_server(("127.0.0.1", 0))
for _ in range(100):
    sock = socket.create_connection(listener.getsockname())
    sock.setblocking(False)
    kept += [sock, listener.accept()[0]]
    with contextlib.suppress(BlockingIOError):
        while sock.send(bytes(1 << 16)):
            pass
"""
FILL_PIPES = "for _ in range(480): kept += os.pipe(); os.write(kept[-1], bytes(1 << 16))"
FILL_PAGE_TABLES = """
flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000  # MAP_NORESERVE
empty = mmap.mmap(-1, 160 << 30, flags, mmap.PROT_READ)
for position in range(0, len(empty), 2 << 20):
    empty[position]
"""


@pytest.mark.parametrize(
    ("action", "memory_mb"),
    [
        (FILL_SOCKETS.format(then=""), 100),
        (FILL_SOCKETS.format(then="kept.pop().close()"), 50),
        (FILL_TCP, 100),
        (FILL_PIPES, 32),
        (FILL_PAGE_TABLES, 64),
    ],
    ids=["sockets", "sockets-of-closed-peers", "tcp", "pipes", "page-tables"],
)
def test_memory_of_the_kernel_is_memory(
    any_factory: Callable[[], SandboxFactory], action: str, memory_mb: int, tmp_path: Path
) -> None:
    script = f"import contextlib, mmap, os, socket, time\nkept = []\n{action}\ntime.sleep(30)"
    spec = make_spec(tmp_path, script, memory_mb=memory_mb)
    assert with_factory(any_factory, lambda factory: run_script(factory, spec))[0].out_of_memory


@pytest.mark.parametrize(
    "action",
    [
        "os.write(fd := os.memfd_create('m'), b''); all(os.write(fd, bytes(1 << 20)) for _ in range(600))",
        "mmap.mmap(-1, 600 << 20).write(bytes(600 << 20))",
        "fd = os.memfd_create('m'); os.truncate(fd, 600 << 20); mmap.mmap(fd, 600 << 20).write(b'x' * (600 << 20))",
    ],
    ids=["memfd", "shared", "mapped-memfd"],
)
def test_memory_without_a_file_is_memory(any_factory: Callable[[], SandboxFactory], action: str, tmp_path: Path) -> None:
    spec = make_spec(tmp_path, f"import mmap, os, time\n{action}\ntime.sleep(30)")
    assert with_factory(any_factory, lambda factory: run_script(factory, spec))[0].out_of_memory


def test_process_that_hides_its_details_is_counted() -> None:
    """An ordinary user can't read the details of a process that isn't dumpable (prctl(2))."""
    set_dumpable, memory = 4, b"x" * (100 << 20)
    ready, hidden_ready = os.pipe()
    hidden = os.fork()
    if hidden == 0:
        if os.geteuid() == 0:
            os.setresuid(61234, 61234, 61234)
        ctypes.CDLL(None).prctl(set_dumpable, 0, 0, 0, 0)
        os.write(hidden_ready, b"x")
        signal.pause()
    os.read(ready, 1)
    observer = os.fork()
    if observer == 0:
        if os.geteuid() == 0:
            os.setresuid(61234, 61234, 61234)
        try:
            Path(f"/proc/{hidden}/smaps_rollup").read_bytes()
        except PermissionError:
            os._exit(0 if process_tree.unreclaimable([hidden])[0] >= len(memory) >> 10 else 1)
        os._exit(2)
    try:
        assert os.waitstatus_to_exitcode(os.waitpid(observer, 0)[1]) == 0
    finally:
        os.kill(hidden, signal.SIGKILL)
        os.waitpid(hidden, 0)
        os.close(ready)
        os.close(hidden_ready)


def test_memory_usage_is_parsed_from_proc_status() -> None:
    text = b"Name:\tpython\nVmHWM:\t   40000 kB\nVmRSS:\t 30000 kB\nRssAnon:\t   20000 kB\n"
    text += b"RssFile:\t    9000 kB\nRssShmem:\t    1000 kB\nVmPTE:\t     100 kB\n"
    assert process_tree.parse_status(text) == process_tree.MemoryUsage(20000, 1000, 9000, high=40000, tables=100)
    assert process_tree.parse_status(b"Name:\tzombie\nState:\tZ (zombie)\n") is None


@pytest.mark.skipif(shutil.which("ps") is None, reason="there is no ps on this machine")
def test_without_proc_ps_measures_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS. The checks are slower."""
    monkeypatch.setattr(process_tree, "HAS_PROC", False)
    script = """
    import subprocess, sys
    subprocess.run([sys.executable, "-c", "import time; x = b'x' * 600_000_000; time.sleep(30)"])
    """
    exit, _ = with_factory(ProcessFactory, lambda factory: run_script(factory, make_spec(tmp_path, script)))
    assert exit.out_of_memory


def test_checks_leave_most_of_the_time_to_others() -> None:
    """A thousand processes take a while, and the service answers everyone from the same thread."""

    async def pause_after(cpu_s: float) -> float:
        checked = asyncio.Event()

        def pids() -> list[int]:
            end = time.thread_time() + cpu_s
            while time.thread_time() < end:
                pass
            asyncio.get_running_loop().call_soon(checked.set)
            return []

        limit = MemoryLimit(pids, 128, lambda: None)
        limit.start()
        await checked.wait()
        assert limit._timer is not None
        when = limit._timer.when()
        limit.stop()
        return when - asyncio.get_running_loop().time()

    assert asyncio.run(pause_after(0.5)) > 2


@pytest.mark.parametrize(("measured", "processes"), [("unreclaimable", 1000), ("open_memory", 40)])
def test_measurement_of_many_processes_holds_up_nothing(measured: str, processes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for those that are forking. What it finds counts once it has ended."""
    release = threading.Event()

    def measure(pids: Iterable[int]) -> tuple[int, int]:
        release.wait(30)
        return 9 << 20, 0

    async def body() -> bool:
        exceeded = asyncio.Event()
        limit = MemoryLimit(lambda: [os.getpid()] * processes, 8192, exceeded.set)
        try:
            assert limit.check_at_end()
        finally:
            release.set()
        limit.start()
        await asyncio.wait_for(exceeded.wait(), 30)
        return limit.exceeded

    monkeypatch.setattr(process_tree, measured, measure)
    assert asyncio.run(body())
