"""Finds zig, the cross compiler: in lambent's own environment, on the PATH, or in a Python of the PATH."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from lambent.errors import PackagingError


def find(environ: Mapping[str, str]) -> Path:
    """Its executable. Raises PackagingError with what to install where there is none."""
    for path in _candidates(environ):
        if path.is_file():
            return path
    raise PackagingError(
        "--build-native compiles with zig, which is not installed (a download of about 100 MB)",
        hint="pip install 'lambent[native]'  (uv tool install 'lambent[native]'; pipx inject lambent ziglang)",
    )


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    spec = find_spec("ziglang")
    if spec is not None and spec.origin:
        yield Path(spec.origin).with_name("zig")
    found = shutil.which("zig", path=environ.get("PATH", ""))
    if found:
        yield Path(found)
    for name in ("python3", "python"):
        python = shutil.which(name, path=environ.get("PATH", ""))
        if python:
            ask = [python, "-c", "import ziglang; print(ziglang.__file__)"]
            done = subprocess.run(ask, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                yield Path(done.stdout.strip()).with_name("zig")
