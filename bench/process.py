"""A runtime process under measurement: a task folder as Lambda would unpack it, and the process that runs in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from itertools import count
from pathlib import Path
from types import TracebackType

from lambent.package.runtime_bundle import bundled

from .model import Side, Site
from .runtime_api import RuntimeApi, Trouble

APPS = Path(__file__).parent / "apps"
_NUMBERS = count()

# The bootstrap in /var/runtime on Lambda. It does the same as `python -m awslambdaric`, without importing runpy.
_AWS_BOOTSTRAP = """\
import os
import sys

from awslambdaric.__main__ import main

main([sys.argv[0], os.environ["_HANDLER"]])
"""


def lay_out(side: Side, site: Site) -> Path:
    """Make the task folder of a side, with bytecode as in a zip: the apps, and lambent's runtime or AWS's bootstrap."""
    task = site.folder / f"task-{next(_NUMBERS)}"
    shutil.copytree(APPS, task, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in side.files.items():
        (task / name).write_text(text)
    if side.client != "lambent":
        (task / "bootstrap.py").write_text(_AWS_BOOTSTRAP)
    _compile(task, site)
    if side.client == "lambent":
        for name, packed in bundled(str(site.interpreter.path), site.interpreter, site.folder / "cache").items():
            (task / name).parent.mkdir(parents=True, exist_ok=True)
            (task / name).write_bytes(packed.read())
            (task / name).chmod(0o755 if packed.executable else 0o644)
    return task


def _compile(task: Path, site: Site) -> None:
    """Add unchecked-hash bytecode to every source, as if it had been compiled for /var/task."""
    options = ["-q", "-q", "--invalidation-mode", "unchecked-hash", "-s", str(task), "-p", "/var/task"]
    subprocess.run([site.interpreter.path, "-s", "-m", "compileall", *options, task], check=False, capture_output=True)


class RuntimeProcess:
    """A started side. Use as a context manager; the process is killed at the end."""

    def __init__(self, side: Side, site: Site, task: Path) -> None:
        python = site.interpreter.path
        command = [task / "lambent_runtime" / "bootstrap", python] if side.client == "lambent" else [python]
        self._log = task / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self.api = RuntimeApi(self._check)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, task / "bootstrap.py"],
                cwd=task,
                env=_environment(side, site, task, self.api.address),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        # The kernel's clock of all threads of a process, the ended ones too; what clock_getcpuclockid(3) gives.
        self._clock = (~self._process.pid << 3) | 2

    def __enter__(self) -> RuntimeProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self.api.close()

    def cpu(self) -> int:
        """Nanoseconds of CPU, user and system, since the process was started."""
        return time.clock_gettime_ns(self._clock)

    def resident(self) -> int:
        """Bytes of memory in use."""
        return self._status("VmRSS")

    def peak(self) -> int:
        """The most bytes of memory in use since `forget_peak`."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        """Reset `peak` (proc(5), clear_refs)."""
        Path(f"/proc/{self._pid}/clear_refs").write_text("5")

    @property
    def _pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def _status(self, name: str) -> int:
        match = re.search(rf"^{name}:\s+(\d+) kB$", Path(f"/proc/{self._pid}/status").read_text(), re.MULTILINE)
        if match is None:
            raise Trouble(f"/proc/{self._pid}/status has no {name}")
        return int(match[1]) * 1024

    def _check(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            lines = re.split(r"[\r\n]+", self._log.read_text(errors="replace").strip())
            error = next((line for line in lines if line.startswith("[ERROR]")), lines[-1])
            raise Trouble(f"the process ended with {self._process.returncode}: {error}")


def _environment(side: Side, site: Site, task: Path, address: str) -> dict[str, str]:
    """What Lambda sets. AWS_EXECUTION_ENV makes AWS's client poll from a thread, as it does there."""
    return {
        "PATH": os.environ["PATH"],
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": str(site.packages),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(task),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{site.interpreter.version}",
        "AWS_LAMBDA_RUNTIME_API": address,
        "AWS_LAMBDA_FUNCTION_NAME": "hello",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/hello",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/23/[1]0123456789abcdef0123456789abcdef",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "_HANDLER": side.handler,
        **side.environment,
    }
