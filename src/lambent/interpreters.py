"""Finds a Python of a given minor version on this machine, without starting one.

Looked at in this order: the PATH, uv's managed Pythons, pyenv's versions, the usual system folders. What is found must be a
real executable (ELF or Mach-O): pyenv's shims and other scripts are passed over, since they run only where they are selected.
Virtual environments are resolved to the interpreter they were made from.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

_MAGIC = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_SYSTEM = ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin", "/opt/local/bin")


class Interpreter(Struct, frozen=True):
    """An interpreter: its minor version ("3.13"), the real path of its executable, and where it was found."""

    version: str
    path: Path
    source: str


def find(version: str, environ: Mapping[str, str]) -> Interpreter | None:
    """The interpreter for a minor version such as "3.13", or None."""
    return next(find_all(version, environ), None)


def find_all(version: str, environ: Mapping[str, str]) -> Iterator[Interpreter]:
    """All of a minor version, best first; the same one may come twice."""
    for candidate, source in _candidates(version, environ):
        real = _real(candidate)
        if real is not None:
            yield Interpreter(version, real, source)


def install_command(version: str) -> str:
    """The line to paste for somebody who lacks this interpreter."""
    return f"uv python install {version}"


def looked_at(found: Interpreter, environ: Mapping[str, str]) -> Iterator[Path]:
    """Where `find` looked before it found this one: the executables that might be there, and the folders of Pythons."""
    yield from _folders(environ)
    for candidate, _ in _candidates(found.version, environ):
        yield candidate
        if _real(candidate) == found.path:
            return


def _candidates(version: str, environ: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    executable = f"python{version}"
    for entry in environ.get("PATH", "").split(os.pathsep):
        if entry:
            yield Path(entry) / executable, "PATH"
    managed, pyenv = _folders(environ)
    for folder in _newest(managed, rf"cpython-{re.escape(version)}\.(\d+)-.*"):
        yield folder / "bin" / executable, "uv"
    for folder in _newest(pyenv, rf"{re.escape(version)}\.(\d+)"):
        yield folder / "bin" / executable, "pyenv"
    for usual in _SYSTEM:
        yield Path(usual) / executable, "system"


def _folders(environ: Mapping[str, str]) -> tuple[Path, Path]:
    """Where uv and pyenv keep the Pythons they manage."""
    home = Path(environ.get("HOME", "/nonexistent"))
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local/share")
    managed = Path(environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv/python")
    return managed, Path(environ.get("PYENV_ROOT") or home / ".pyenv") / "versions"


def _newest(parent: Path, pattern: str) -> list[Path]:
    """Folders whose name matches, the highest patch version first."""
    try:
        names = [entry.name for entry in parent.iterdir()]
    except OSError:
        return []
    matches = [match for name in names if (match := re.fullmatch(pattern, name))]
    return [parent / match.string for match in sorted(matches, key=lambda match: -int(match[1]))]


def _real(candidate: Path) -> Path | None:
    try:
        real = candidate.resolve(strict=True)
        with real.open("rb") as file:
            magic = file.read(4)
    except OSError:
        return None
    return real if magic in _MAGIC and os.access(real, os.X_OK) else None
