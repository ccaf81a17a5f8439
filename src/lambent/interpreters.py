"""The Python interpreters on this machine, found by minor version without starting any.

The search order is the PATH, Pythons installed by uv, Pythons installed by pyenv, then the usual system folders. A match
must be a real executable (ELF or Mach-O). Scripts such as pyenv's shims are skipped, because they only run when pyenv has
selected that version. A virtual environment is resolved to the interpreter it was created from.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

_EXECUTABLE_MAGIC = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_SYSTEM_FOLDERS = ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin", "/opt/local/bin")


class Interpreter(Struct, frozen=True):
    """A Python interpreter: its minor version ("3.13") and the real path of its executable."""

    version: str
    path: Path


def find(version: str, environ: Mapping[str, str]) -> Interpreter | None:
    """Return the first interpreter of a minor version such as "3.13", or None."""
    return next(find_all(version, environ), None)


def find_all(version: str, environ: Mapping[str, str]) -> Iterator[Interpreter]:
    """Yield every interpreter of a minor version, in search order. The same one may come twice."""
    for candidate in _candidates(version, environ):
        executable = _resolve(candidate)
        if executable is not None:
            yield Interpreter(version, executable)


def install_command(version: str) -> str:
    """Return the command that installs this minor version."""
    return f"uv python install {version}"


def _candidates(version: str, environ: Mapping[str, str]) -> Iterator[Path]:
    executable = f"python{version}"
    for entry in environ.get("PATH", "").split(os.pathsep):
        if entry:
            yield Path(entry) / executable
    home = Path(environ.get("HOME", "/nonexistent"))
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local/share")
    uv = Path(environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv/python")
    pyenv = Path(environ.get("PYENV_ROOT") or home / ".pyenv") / "versions"
    for folder in _newest_first(uv, rf"cpython-{re.escape(version)}\.(\d+)-.*"):
        yield folder / "bin" / executable
    for folder in _newest_first(pyenv, rf"{re.escape(version)}\.(\d+)"):
        yield folder / "bin" / executable
    for system in _SYSTEM_FOLDERS:
        yield Path(system) / executable


def _newest_first(parent: Path, pattern: str) -> list[Path]:
    """Return the folders whose names match, sorted by the patch version in group 1, highest first."""
    try:
        names = [entry.name for entry in parent.iterdir()]
    except OSError:
        return []
    matches = [match for name in names if (match := re.fullmatch(pattern, name))]
    return [parent / match.string for match in sorted(matches, key=lambda match: -int(match[1]))]


def _resolve(candidate: Path) -> Path | None:
    """Return the real path of an executable binary, or None for a script, a missing file or one that can't be executed."""
    try:
        path = candidate.resolve(strict=True)
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError:
        return None
    return path if magic in _EXECUTABLE_MAGIC and os.access(path, os.X_OK) else None
