"""A local Lambda whose state folder is a disk of a few megabytes, which can be filled and freed, and that can be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lambent.local import daemon
from support.local_service import Service, environment

_SUPERVISOR = """
import json, os, subprocess, sys
state, size = sys.argv[1], sys.argv[2]
subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "none", state], check=True)
service = None
for line in sys.stdin:
    word, argument = line.split()
    if word == "start":
        read_end, write_end = os.pipe()
        command = [sys.executable, "-P", "-m", "lambent", "local", "start", "--foreground"]
        command += ["--state", state, "--port", argument]
        service = subprocess.Popen([*command, "--ready-fd", str(write_end)], pass_fds=(write_end,), stdout=sys.stderr)
        os.close(write_end)
        with os.fdopen(read_end) as pipe:
            print(pipe.readline().strip(), flush=True)
        continue
    if word == "kill":
        service.kill()
        service.wait()
    elif word == "leave":
        free = os.statvfs(state)
        with open(f"{state}/filler", "wb") as file:
            file.write(bytes(max(free.f_bavail * free.f_bsize - int(argument), 0)))
    elif word == "free":
        os.unlink(f"{state}/filler")
    print("{}", flush=True)
service.kill()
service.wait()
"""


class SmallDisk:
    """The service on that disk. It starts with `start`, and every client is new after a restart."""

    def __init__(self, supervisor: subprocess.Popen[str], state: Path) -> None:
        self._supervisor = supervisor
        self._state = state
        self.service = Service(state, 0, 0)

    def start(self) -> None:
        report = self._do("start 0")
        assert "port" in report, report
        self.service = Service(self._state, report["port"], report["pid"])
        assert daemon.request_json(report["port"], "GET", "/_lambent/health")

    def kill_and_start(self) -> None:
        self._do("kill -")
        self.start()

    def leave(self, size: int) -> None:
        """Fill the disk up to this many bytes."""
        self._do(f"leave {size}")

    def free(self) -> None:
        self._do("free -")

    def _do(self, command: str) -> Any:
        assert self._supervisor.stdin is not None
        assert self._supervisor.stdout is not None
        print(command, file=self._supervisor.stdin, flush=True)
        return json.loads(self._supervisor.stdout.readline())


def can_mount() -> bool:
    command = ["unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@contextmanager
def small_disk(state: Path, size: str) -> Iterator[SmallDisk]:
    state.mkdir(parents=True)
    command = ["unshare", "-Urm", sys.executable, "-c", _SUPERVISOR, str(state), size]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, text=True, env=environment(), cwd=os.fspath(state.parent)
    ) as process:
        try:
            disk = SmallDisk(process, state)
            disk.start()
            yield disk
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()
