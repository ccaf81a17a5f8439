"""The sandbox that works anywhere: a plain process of the same user, as isolated as it can be without namespaces.

It lacks a read-only /var/task under that name and a bounded /tmp, and nothing hides the host's files. The interpreter runs as
that of an empty virtual environment, so that the host's packages can't be imported.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from lambent import limits
from lambent.local.unpack import remove

from . import process_tree
from .namespace_init import leave_session_keyring
from .orphans import Orphans
from .output_pipe import OutputPipe
from .sandbox import ProcessExit, Sandbox, SandboxSpec, expand

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
_LIBC = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
_LAMBDA_FOLDERS = ("/var/task", "/var/runtime", "/opt")


def translate(value: str, folders: dict[str, str]) -> str:
    """Replace Lambda's folders by the host's in a value, which may be a list joined by colons, such as a PATH."""
    return ":".join(_translate_path(path, folders) for path in value.split(":"))


def _translate_path(path: str, folders: dict[str, str]) -> str:
    for inside, outside in folders.items():
        if path == inside or path.startswith(inside + "/"):
            return outside + path[len(inside) :]
    return path


def _resolve_shebang(argv: list[str], python: str) -> list[str]:
    """Return the command with its interpreter if it is a script for Lambda's Python, which does not exist on this machine."""
    if "\0" in argv[0] or not os.access(argv[0], os.X_OK):
        return argv  # starting it reports that
    with Path(argv[0]).open("rb") as script:
        name, *option = script.readline(256).decode("utf-8", "replace").rstrip().split(maxsplit=1) or [""]
    return [python, *option, *argv] if name.startswith("#!/var/lang/bin/python") else argv


def _virtual_environment(tmp: Path) -> Path:
    return tmp.with_name(tmp.name + ".python")


def make_virtual_environment(interpreter: Path, tmp: Path) -> Path:
    """Create an empty virtual environment of the interpreter. Returns the path to start Python by."""
    home = _virtual_environment(tmp)
    python = home / "bin" / interpreter.name
    if not python.exists():
        (home / "bin").mkdir(parents=True, exist_ok=True)
        (home / "pyvenv.cfg").write_text(f"home = {interpreter.parent}\ninclude-system-site-packages = false\n")
        (home / "lib" / interpreter.name / "site-packages").mkdir(parents=True, exist_ok=True)
        python.symlink_to(interpreter)
    return python


class ProcessSandbox(Sandbox):
    def __init__(
        self,
        process: asyncio.subprocess.Process,
        output: OutputPipe,
        spec: SandboxSpec,
        on_close: Callable[[ProcessSandbox], None],
    ) -> None:
        self.process = process
        self._tmp = spec.tmp
        self._on_close = on_close
        self._orphans = Orphans(process.pid, str(spec.tmp))
        super().__init__(output, spec.memory_mb)

    async def close(self) -> None:
        await self.kill()
        self._on_close(self)
        for folder in (self._tmp, _virtual_environment(self._tmp)):
            with contextlib.suppress(OSError):
                remove(folder)

    def _pids(self) -> list[int]:
        if not process_tree.HAS_PROC:
            return [self.process.pid, *process_tree.descendants_by_ps(self.process.pid)]
        descendants = process_tree.descendants(self.process.pid)
        return [self.process.pid, *descendants, *self._orphans.find(descendants)]

    def _kill_all(self) -> None:
        if self.process.returncode is None:
            self._stop_all()  # so that none escapes by forking
            process_tree.signal_all(self._pids(), signal.SIGKILL)
            self._signal_group(signal.SIGKILL)

    def _stop_all(self) -> list[int]:
        self._signal_group(signal.SIGSTOP)  # at once, so that none can escape by forking; then those that left the group
        return super()._stop_all()

    def _continue_all(self, pids: list[int]) -> None:
        super()._continue_all(pids)
        self._signal_group(signal.SIGCONT)

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    async def _wait_exit(self) -> ProcessExit:
        code = await self.process.wait()
        self._signal_group(signal.SIGKILL)  # processes that it left behind
        if process_tree.HAS_PROC:
            await self._orphans.end()
        return ProcessExit(None if code < 0 else code, -code if code < 0 else None)


class ProcessFactory:
    kind = "process"
    own_network = False

    def __init__(self) -> None:
        self.why_shared = "it needs namespaces"
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            Orphans.begin()
        self._sandboxes: set[ProcessSandbox] = set()

    async def prepare(self, interpreter: Path) -> None:
        """There is nothing to prepare."""

    async def start(self, spec: SandboxSpec) -> ProcessSandbox:
        spec.tmp.mkdir(parents=True, exist_ok=True)
        folders = dict(zip(_LAMBDA_FOLDERS, (str(spec.task), str(spec.runtime), str(spec.opt or spec.tmp)), strict=True))
        python = str(make_virtual_environment(spec.interpreter, spec.tmp))
        names = {"python": python, "task": str(spec.task), "runtime": str(spec.runtime)}
        argv = _resolve_shebang([translate(expand(word, names), folders) for word in spec.command], python)
        environment = {name: translate(value, folders) for name, value in spec.environment} | {"TMPDIR": str(spec.tmp)}
        environment.pop("LD_LIBRARY_PATH", None)  # lists Lambda's folders; the host's libraries need no path
        if spec.opt is not None:
            environment |= _layer_variables(spec.opt, spec.interpreter.name, environment.get("PYTHONPATH", ""))
        output = OutputPipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *argv, env=environment, cwd=spec.task, stdin=subprocess.DEVNULL, stdout=output.writer, stderr=output.writer,
                start_new_session=True, preexec_fn=_limit_process,
            )  # fmt: skip
        except (FileNotFoundError, PermissionError, ValueError) as error:  # ValueError: a NUL in a word or variable
            # The exit status of a shell, which AWS reports too: 127 not found, 126 not executable.
            status = 127 if isinstance(error, FileNotFoundError) else 126
            process = await asyncio.create_subprocess_exec("/bin/sh", "-c", f"exit {status}", start_new_session=True)
        output.close_writer()
        sandbox = ProcessSandbox(process, output, spec, self._sandboxes.discard)
        self._sandboxes.add(sandbox)
        return sandbox

    async def stop(self) -> None:
        for sandbox in list(self._sandboxes):
            await sandbox.close()


def _layer_variables(opt: Path, version: str, python_path: str) -> dict[str, str]:
    """Return the variables that make a process find the content of layers, although their folder is not /opt."""
    paths = [f"{opt}/python/lib/{version}/site-packages", f"{opt}/python", python_path]
    return {"PYTHONPATH": ":".join(filter(None, paths)), "LD_LIBRARY_PATH": f"{opt}/lib"}


def _limit_process() -> None:
    """Runs in the new process: set its limits, and make it end when this service ends, even while it is frozen."""
    os.umask(0o022)  # that of the service is stricter
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        leave_session_keyring()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = limits.FILE_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(limits.FILE_DESCRIPTORS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
