"""The interpreter of the target, and the pinned pip on it, installed once into a cached folder."""

from __future__ import annotations

import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

import platformdirs
from uv import find_uv_bin

from bench.peers import NoPeers
from lambent.interpreters import Interpreter

PIP_VERSION = "26.3"


def pip(python: Interpreter) -> Path:
    """The Python of a virtual environment that has this pip and nothing else."""
    parent = platformdirs.user_cache_path("lambent") / "bench"
    folder = parent / f"pip-{python.version}-{PIP_VERSION}"
    if not folder.is_dir():
        parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=parent))
        try:
            _run("venv", "--quiet", "--clear", "--python", str(python.path), str(made))
            _run("pip", "install", "--quiet", "--python", str(made), f"pip=={PIP_VERSION}")
            made.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another run was faster
                raise
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return folder / "bin" / "python"


def _run(*words: str) -> None:
    done = subprocess.run([find_uv_bin(), *words], capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise NoPeers(f"pip {PIP_VERSION} could not be installed: {done.stderr.strip()}")


def versions() -> list[str]:
    """Of what is compared, as people read it."""
    uv = subprocess.run([find_uv_bin(), "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    return [f"uv {uv}", f"pip {PIP_VERSION}", _zip()]


def _zip() -> str:
    if not shutil.which("zip"):
        return f"zip: Info-ZIP is missing on this machine, `python -m zipfile` of Python {platform.python_version()} instead"
    said = subprocess.run(["zip", "-v"], capture_output=True, text=True, check=True).stdout
    line = next((line for line in said.splitlines() if line.startswith("This is Zip")), "This is Zip ?")
    return f"Info-ZIP zip {line.split()[3]}"
