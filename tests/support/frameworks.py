"""An interpreter with the usual web frameworks."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from uv import find_uv_bin

from lambent import interpreters

VERSIONS = ("3.11", "3.13")
PACKAGES = ("starlette", "fastapi", "python-multipart", "flask", "django", "datasette")


@pytest.fixture(scope="session", params=VERSIONS)
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An interpreter, and a folder with the frameworks for it."""
    found = interpreters.find(request.param, os.environ)
    if found is None:
        pytest.skip(f"no python{request.param} on this machine: {interpreters.install_command(request.param)}")
    folder = tmp_path_factory.mktemp("packages")
    command = [find_uv_bin(), "pip", "install", "-q", "--target", folder, "--python", found.path, *PACKAGES]
    subprocess.run(command, check=True, timeout=300)
    return found.path, folder
