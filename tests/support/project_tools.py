"""The tools that keep a project's lock (uv, Poetry, PDM, Pipenv), to follow what lambent prints."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest
import uv

from support.interpreter import python

_WITH = {"pdm": ("--with", "hishel==1.4.0")}  # the one that pdm[locked] names: PDM 2.29 fails with hishel 2

PYTHON = "3.11"
"""The Python that the tools run with, and that they lock for."""


class ProjectTools:
    """Runs shell lines with uv and one more tool on the PATH, which uv gets from PyPI. Skips the test if that fails."""

    def __init__(self, folder: Path, tool: str) -> None:
        self._folder = folder
        self._bin = folder / "bin"
        self._bin.mkdir(parents=True)
        command = [uv.find_uv_bin(), "tool", "run", "--quiet", "--python", str(python(PYTHON)), *_WITH.get(tool, ()), tool]
        self._install("uv", [uv.find_uv_bin()])
        if tool != "uv":
            self._install(tool, command)
        if subprocess.run([*command[:-1], tool, "--version"], capture_output=True, timeout=300).returncode:
            pytest.skip(f"{tool} can't be installed here")

    def _install(self, name: str, command: list[str]) -> None:
        script = self._bin / name
        script.write_text(
            f'#!/bin/sh\nexec env -u PYTHONPATH UV_CACHE_DIR={shlex.quote(_uv_cache())} {shlex.join(command)} "$@"\n'
        )
        script.chmod(0o755)

    def run(self, line: str, project: Path) -> None:
        """Run a line in the project's folder, as a user does, with an own home. Fail the test if it fails."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "VIRTUAL_ENV", "PIP"))}
        environ |= {
            "HOME": str(self._folder / "home"),
            "XDG_CACHE_HOME": str(self._folder / "cache"),
            "PATH": f"{self._bin}{os.pathsep}{python(PYTHON).parent}{os.pathsep}{os.environ['PATH']}",
            "POETRY_VIRTUALENVS_IN_PROJECT": "true",
            "PIPENV_VENV_IN_PROJECT": "1",
            "PIPENV_YES": "1",
            "PDM_CHECK_UPDATE": "0",
            "UV_PYTHON": str(python(PYTHON)),
        }
        done = subprocess.run(line, shell=True, cwd=project, env=environ, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


def _uv_cache() -> str:
    return os.environ.get("UV_CACHE_DIR") or str(Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "uv")
