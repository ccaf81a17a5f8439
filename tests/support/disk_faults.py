"""A local Lambda in whose state folder any write can fail, and that is killed and started within half a second.

`disk_faults.c` is loaded into it before the C library, so SQLite's calls fail too. Each start is a fork of one process.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lambent.local import daemon
from support.forked import ForkedProcess, start_server
from support.local_service import Service, environment
from support.paths import CACHE
from support.reader import free_port

_SOURCE = Path(__file__).with_name("disk_faults.c")


class _Control(ctypes.Structure):
    """`struct control` of disk_faults.c."""

    _fields_ = (
        ("remaining", ctypes.c_int),
        ("error", ctypes.c_int),
        ("lasting", ctypes.c_int),
        ("calls", ctypes.c_int),
        ("failures", ctypes.c_int),
        ("name", ctypes.c_char * 44),
        ("path", ctypes.c_char * 200),
    )


class FaultyDisk:
    """The service and its disk."""

    def __init__(self, state: Path, control: _Control, process: type[ForkedProcess]) -> None:
        self._control = control
        self._process_type = process
        self._process: ForkedProcess | None = None
        self.service = Service(state, free_port(), 0)

    def start(self) -> None:
        """Start the service, or kill it and start it again."""
        self.kill()
        state, port = str(self.service.state), str(self.service.port)
        read_end, write_end = os.pipe()
        command = [sys.executable, "-m", "lambent", "local", "start", "--foreground", "--state", state, "--port", port]
        with daemon.log_file(self.service.state).open("ab") as log:
            self._process = self._process_type(
                [*command, "--ready-fd", str(write_end)], stdout=log, stderr=log, pass_fds=(write_end,), env=environment()
            )
        os.close(write_end)
        with os.fdopen(read_end) as pipe:
            report = json.loads(pipe.readline())
        assert "port" in report, report

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def fail(self, call: int, error: int, *, lasting: bool) -> None:
        """Let this call fail, counted from now on, and all after it that need space if `lasting`."""
        self.repair()
        self._control.calls = self._control.failures = 0
        self._control.error, self._control.lasting = error, lasting
        self._control.remaining = call

    def repair(self) -> int:
        """Let no more calls fail. Returns how many there were since `fail`."""
        self._control.remaining = 0
        return int(self._control.calls)

    @property
    def failed(self) -> str:
        """The last call that failed first."""
        return f"{self._control.name.decode()} {self._control.path.decode()}"


def compile_faults() -> Path | None:
    """Return the library, or None if this machine can't compile it."""
    library = CACHE / f"disk_faults-{_SOURCE.stat().st_mtime_ns}.so"
    if not library.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(library), str(_SOURCE), "-ldl"]
        try:
            subprocess.run(command, check=True)
        except FileNotFoundError:
            return None
    return library


@contextmanager
def faulty_disk(state: Path, library: Path) -> Iterator[FaultyDisk]:
    state.mkdir(parents=True)
    control_file = state.with_suffix(".control")
    control_file.write_bytes(bytes(ctypes.sizeof(_Control)))
    variables = {"LD_PRELOAD": str(library), "DISK_FAULTS_ROOT": str(state), "DISK_FAULTS_CONTROL": str(control_file)}
    with control_file.open("r+b") as file, start_server(variables) as server:

        class Process(ForkedProcess):
            connection = staticmethod(lambda: server)

        disk = FaultyDisk(state, _Control.from_buffer(mmap.mmap(file.fileno(), 0)), Process)
        try:
            disk.start()
            yield disk
        finally:
            disk.kill()
