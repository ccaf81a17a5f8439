"""The interpreter to measure on, and the packages to measure against, installed once into a cached folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

import platformdirs
from uv import find_uv_bin

from lambent import interpreters
from lambent.interpreters import Interpreter

PINS = Path(__file__).parent / "peers.txt"
PREFERRED = "3.13"
_OTHERS = ("3.14", "3.12", "3.11", "3.10")


class NoPeers(Exception):
    """The interpreter or the peers to measure against are missing. The message says why."""


def interpreter() -> Interpreter:
    """Return Python 3.13, or the newest other version of this machine that the runtime supports."""
    for version in (PREFERRED, *_OTHERS):
        interpreter = interpreters.find(version, os.environ)
        if interpreter is not None:
            return interpreter
    raise NoPeers(f"no Python between 3.10 and 3.14 was found; {interpreters.install_command(PREFERRED)}")


def installed(python: Interpreter, pins: Path = PINS) -> Path:
    """Return a folder with the pinned packages and their bytecode for this interpreter."""
    key = hashlib.sha256(f"{python.path.resolve()}\n{pins.read_text()}".encode()).hexdigest()[:16]
    parent = platformdirs.user_cache_path("lambent") / "bench"
    folder = parent / f"{python.version}-{key}"
    if folder.is_dir():
        return folder
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent) as temporary:
        target = Path(temporary) / "packages"
        command = [find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--compile-bytecode"]
        result = subprocess.run(
            [*command, "--python", python.path, "--target", target, "--requirement", pins],
            capture_output=True,
            text=True,
            timeout=600,
        )
        if result.returncode:
            raise NoPeers(f"the packages of {pins.name} could not be installed: {result.stderr.strip()}")
        try:
            target.rename(folder)
        except OSError:
            if not folder.is_dir():  # otherwise a run at the same time was faster
                raise
    return folder


def pins() -> list[str]:
    """Return "name version" of the compared packages and frameworks, without their dependencies."""
    lines = [line for line in PINS.read_text().splitlines() if "==" in line]
    return [line.replace("==", " ") for line in lines[:6]]
