"""An interpreter with the usual web frameworks."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock
from uv import find_uv_bin

from lambent import interpreters

VERSIONS = ("3.11", "3.13")
PACKAGES = ("starlette", "fastapi", "python-multipart", "flask", "django", "datasette")


@pytest.fixture(scope="session", params=VERSIONS)
def target(request: pytest.FixtureRequest) -> tuple[Path, Path]:
    """An interpreter, and a folder with the frameworks for it, which all workers of a run share."""
    found = interpreters.find(request.param, os.environ)
    if found is None:
        pytest.skip(f"no python{request.param} on this machine: {interpreters.install_command(request.param)}")
    folder = Path(tempfile.gettempdir()) / f"frameworks-{request.param}"
    command = [find_uv_bin(), "pip", "install", "-q", "--target", folder, "--python", found.path, *PACKAGES]
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            subprocess.run(command, check=True, timeout=300)
    return found.path, folder
