"""Anywhere: the environment is a plain process of the same user, with as much of its own as can be had without namespaces.

What it has not: a read-only /var/task under that name, a bounded /tmp, and anything that hides the host's files. The
interpreter runs as one of a bare virtual environment, so that the host's packages are not importable.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from lambent import limits

from . import process_tree
from .base import Watched
from .memory_limit import MemoryWatch
from .output_pipe import Output
from .sandbox import Exit, Spec

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
_INSIDE = ("/var/task", "/var/runtime", "/opt")


def translate(value: str, places: dict[str, str]) -> str:
    """Replaces Lambda's folders by the host's in one value or in a list joined by colons, such as a PATH."""
    return ":".join(_translate_one(part, places) for part in value.split(":"))


def _translate_one(part: str, places: dict[str, str]) -> str:
    for inside, outside in places.items():
        if part == inside or part.startswith(inside + "/"):
            return outside + part[len(inside) :]
    return part


def _by_our_python(argv: list[str], python: str) -> list[str]:
    """The command, as the kernel would start it, of a script whose first line names Lambda's Python: there is none here."""
    if not os.access(argv[0], os.X_OK):
        return argv  # which is said when it is started
    with Path(argv[0]).open("rb") as script:
        name, *option = script.readline(256).decode("utf-8", "replace").rstrip().split(maxsplit=1) or [""]
    return [python, *option, *argv] if name.startswith("#!/var/lang/bin/python") else argv


def make_bare(interpreter: Path, tmp: Path) -> Path:
    """The interpreter as that of a virtual environment without any package. Gives the path to start it by."""
    home = tmp.with_name(tmp.name + ".python")
    python = home / "bin" / interpreter.name
    if not python.exists():
        (home / "bin").mkdir(parents=True, exist_ok=True)
        (home / "pyvenv.cfg").write_text(f"home = {interpreter.parent}\ninclude-system-site-packages = false\n")
        (home / "lib" / interpreter.name / "site-packages").mkdir(parents=True, exist_ok=True)
        python.symlink_to(interpreter)
    return python


class ProcessSandbox(Watched):
    """See `interface.Sandbox`."""

    def __init__(
        self, process: asyncio.subprocess.Process, output: Output, spec: Spec, forget: Callable[[ProcessSandbox], None]
    ) -> None:
        self.process = process
        self.output = output
        self.spec = spec
        self.forget = forget
        self._frozen: list[int] = []
        self._watch = MemoryWatch(self._pids, self.spec.memory_mb, self._kill_all)
        self._watch.start()
        self._exit = asyncio.ensure_future(self._wait())

    async def wait(self) -> Exit:
        return await asyncio.shield(self._exit)

    async def kill(self) -> None:
        self._kill_all()
        await self.wait()

    async def close(self) -> None:
        await self.kill()
        self.forget(self)
        shutil.rmtree(self.spec.tmp, ignore_errors=True)
        shutil.rmtree(self.spec.tmp.with_name(self.spec.tmp.name + ".python"), ignore_errors=True)

    def _pids(self) -> list[int]:
        if process_tree.HAS_PROC:
            return [self.process.pid, *process_tree.descendants(self.process.pid)]
        return [self.process.pid, *process_tree.descendants_by_ps(self.process.pid)]

    def _kill_all(self) -> None:
        if self.process.returncode is None:
            process_tree.signal_all(self._pids(), signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    async def _wait(self) -> Exit:
        code = await self.process.wait()
        self._watch.stop()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)  # what it left behind
        self.output.drain()
        self.output.close()
        return Exit(None if code < 0 else code, -code if code < 0 else None, out_of_memory=self._watch.exceeded)


class ProcessMaker:
    """See `interface.Maker`."""

    kind = "process"

    def __init__(self) -> None:
        self._sandboxes: set[ProcessSandbox] = set()

    async def start(self, spec: Spec) -> ProcessSandbox:
        spec.tmp.mkdir(parents=True, exist_ok=True)
        places = dict(zip(_INSIDE, (str(spec.task), str(spec.runtime), str(spec.opt or spec.tmp)), strict=True))
        inside = {"python": str(make_bare(spec.interpreter, spec.tmp)), "task": str(spec.task), "runtime": str(spec.runtime)}
        argv = _by_our_python([translate(word.format_map(inside), places) for word in spec.command], inside["python"])
        environment = {name: translate(value, places) for name, value in spec.environment} | {"TMPDIR": str(spec.tmp)}
        environment.pop("LD_LIBRARY_PATH", None)  # names Lambda's folders; the host's libraries are found without it
        if spec.opt is not None:
            environment |= _layers(spec.opt, spec.interpreter.name, environment.get("PYTHONPATH", ""))
        output = Output()
        try:
            process = await asyncio.create_subprocess_exec(
                *argv, env=environment, cwd=spec.task, stdin=subprocess.DEVNULL, stdout=output.writer, stderr=output.writer,
                start_new_session=True, preexec_fn=_limit,
            )  # fmt: skip
        except (FileNotFoundError, PermissionError) as error:
            # As a shell says it, and AWS passes on: 127 not found, 126 not executable.
            status = 127 if isinstance(error, FileNotFoundError) else 126
            process = await asyncio.create_subprocess_exec("/bin/sh", "-c", f"exit {status}", start_new_session=True)
        output.close_writer()
        sandbox = ProcessSandbox(process, output, spec, self._forget)
        self._sandboxes.add(sandbox)
        return sandbox

    async def stop(self) -> None:
        for sandbox in list(self._sandboxes):
            await sandbox.close()

    def _forget(self, sandbox: ProcessSandbox) -> None:
        self._sandboxes.discard(sandbox)


def _layers(opt: Path, version: str, python_path: str) -> dict[str, str]:
    """What makes a process find what is in the layers, though their folder is not /opt."""
    places = [f"{opt}/python/lib/{version}/site-packages", f"{opt}/python", python_path]
    return {"PYTHONPATH": ":".join(filter(None, places)), "LD_LIBRARY_PATH": f"{opt}/lib"}


def _limit() -> None:
    """In the new process: its limits, and that it ends with us however we end (frozen, it would stay for ever)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = limits.FILE_DESCRIPTORS
    wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
