"""Runs a command and says what it took, with all its children."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from .model import Took, Trouble

_EVERY = 0.02  # seconds between two looks at the memory


def run(command: Sequence[str | Path], folder: Path, environ: Mapping[str, str]) -> tuple[Took, str]:
    """CPU seconds of the command and of all children that it waited for, wall seconds, and its stdout."""
    log = folder / "log"
    began = time.perf_counter()
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, cwd=folder, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
        )
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        why = next((line for line in lines if line.lower().startswith("error")), lines[-1] if lines else "")
        raise Trouble(f"{Path(command[0]).name} {command[1]} ended with {process.returncode}: {why}")
    return Took(usage.ru_utime + usage.ru_stime, wall), said.decode()


def peak(command: Sequence[str | Path], folder: Path, environ: Mapping[str, str]) -> Took:
    """The most MB (10**6 bytes) that the command and its children have in memory at once.

    It is the sum of their shares (PSS), looked at 50 times a second; mapped files count as far as they are resident.
    """
    began = time.perf_counter()
    highest = 0
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=dict(environ), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        waiting = threading.Thread(target=process.wait)
        waiting.start()
        while waiting.is_alive():
            waiting.join(_EVERY)
            highest = max(highest, sum(map(_share, _family(process.pid))))
    if process.returncode:
        raise Trouble(f"{Path(command[0]).name} {command[1]} ended with {process.returncode}")
    return Took(highest / 1e6, time.perf_counter() - began)


def _family(pid: int) -> list[int]:
    found, at = [pid], 0
    while at < len(found):
        try:
            for task in Path(f"/proc/{found[at]}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except OSError:
            pass  # it ended meanwhile
        at += 1
    return found


def _share(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
