"""Find zig, the cross compiler: in lambent's own environment, on the PATH, or in a Python on the PATH."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from lambent.errors import PackagingError

_INSTALL = "pip install 'lambent[native]'"


def build_flag() -> str:
    """Return the flag that compiles with zig, for a hint, with what installs zig where lambent's environment lacks it."""
    return "--build-native" if find_spec("ziglang") or shutil.which("zig") else f"--build-native, after {_INSTALL}"


def find_zig(environ: Mapping[str, str]) -> Path:
    """Return its executable. Raises PackagingError with the command that installs it."""
    for path in _candidates(environ):
        if path.is_file():
            return path
    raise PackagingError(
        "--build-native compiles with zig, which is not installed (a download of about 100 MB)",
        hint=f"{_INSTALL}  (uv tool install 'lambent[native]'; pipx inject lambent ziglang)",
    )


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    spec = find_spec("ziglang")
    if spec is not None and spec.origin:
        yield Path(spec.origin).with_name("zig")
    executable = shutil.which("zig", path=environ.get("PATH", ""))
    if executable:
        yield Path(executable)
    for name in ("python3", "python"):
        python = shutil.which(name, path=environ.get("PATH", ""))
        if python:
            command = [python, "-c", "import ziglang; print(ziglang.__file__)"]
            run = subprocess.run(command, capture_output=True, text=True, check=False)
            if run.returncode == 0:
                yield Path(run.stdout.strip()).with_name("zig")
