"""The Python interpreters on this machine, found by minor version without starting any.

The newest patch release comes first, so that an old system Python doesn't hide a newer one. Between equals the search order
counts: the PATH, Pythons installed by uv, pyenv, asdf or mise, then the usual system folders. The patch release is read from
the path or the headers; where neither has it, it counts as old. A match must be a real executable (ELF, Mach-O or PE). Scripts
such as pyenv's shims are skipped, because they only run when pyenv has selected that version. A virtual environment is resolved
to the interpreter it was created from.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from lambent.systems import is_windows

_EXECUTABLE_MAGIC = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"MZ\x90\x00")
_SYSTEM_FOLDERS = ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin", "/opt/local/bin", f"{sys.base_prefix}/bin")
"""The last is that of the Python that runs lambent: conda's and nix's are nowhere else."""


class Interpreter(Struct, frozen=True):
    """A Python interpreter: its minor version ("3.13") and the real path of its executable."""

    version: str
    path: Path


def find(version: str, environ: Mapping[str, str]) -> Interpreter | None:
    """Return the newest interpreter of a minor version such as "3.13", or None."""
    return next(find_all(version, environ), None)


def find_all(version: str, environ: Mapping[str, str]) -> Iterator[Interpreter]:
    """Yield every interpreter of a minor version, newest patch release first."""
    executables = dict.fromkeys(filter(None, map(_resolve, _candidates(version, environ))))
    for executable in sorted(executables, key=lambda path: _patch_release(version, path), reverse=True):
        yield Interpreter(version, executable)


def _patch_release(version: str, executable: Path) -> int:
    """Return the patch release of an interpreter, or -1 if neither its path nor its headers have it."""
    pattern = rf"(?<![\d.]){re.escape(version)}\.(\d+)(?![\d.])"
    if match := re.search(pattern, str(executable.parent)):
        return int(match[1])
    header = executable.parents[1] / "include" / f"python{version}" / "patchlevel.h"
    try:
        match = re.search(rf'PY_VERSION\s+"{re.escape(version)}\.(\d+)', header.read_text("utf-8", "replace"))
    except OSError:
        return -1
    return int(match[1]) if match else -1


def install_command(version: str) -> str:
    """Return the command that installs this minor version."""
    return f"uv python install {version}"


def _candidates(version: str, environ: Mapping[str, str]) -> Iterator[Path]:
    return _windows_candidates(version, environ) if is_windows() else _unix_candidates(version, environ)


def _windows_candidates(version: str, environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield where uv, pyenv-win and python.org's installer put `python.exe`. Its name has no version there."""
    local, roaming, home = (Path(environ.get(name) or "nowhere") for name in ("LOCALAPPDATA", "APPDATA", "USERPROFILE"))
    uv = Path(environ.get("UV_PYTHON_INSTALL_DIR") or roaming / "uv" / "python")
    pyenv = Path(environ.get("PYENV_ROOT") or home / ".pyenv" / "pyenv-win") / "versions"
    folders = _matching(uv, rf"cpython-{re.escape(version)}\.\d+-.*") + _matching(pyenv, rf"{re.escape(version)}\.\d+")
    installers = (local / "Programs" / "Python", Path(environ.get("PROGRAMFILES") or "nowhere"), Path("C:/"))
    for folder in (*folders, *(parent / f"Python{version.replace('.', '')}" for parent in installers)):
        yield folder / "python.exe"


def _unix_candidates(version: str, environ: Mapping[str, str]) -> Iterator[Path]:
    executable = f"python{version}"
    for entry in environ.get("PATH", "").split(os.pathsep):
        if entry:
            yield Path(entry) / executable
    home = Path(environ.get("HOME", "/nonexistent"))
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local/share")
    uv = Path(environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv/python")
    pyenv = Path(environ.get("PYENV_ROOT") or home / ".pyenv") / "versions"
    asdf = Path(environ.get("ASDF_DATA_DIR") or home / ".asdf") / "installs/python"
    mise = Path(environ.get("MISE_DATA_DIR") or data / "mise") / "installs/python"
    for folder in _matching(uv, rf"cpython-{re.escape(version)}\.\d+-.*"):
        yield folder / "bin" / executable
    for installed in (pyenv, asdf, mise):
        for folder in _matching(installed, rf"{re.escape(version)}\.\d+"):
            yield folder / "bin" / executable
    for system in _SYSTEM_FOLDERS:
        yield Path(system) / executable


def _matching(parent: Path, pattern: str) -> list[Path]:
    """Return the folders whose names match."""
    try:
        return [entry for entry in parent.iterdir() if re.fullmatch(pattern, entry.name)]
    except OSError:
        return []


def _resolve(candidate: Path) -> Path | None:
    """Return the real path of an executable binary, or None for a script, a missing file or one that can't be executed."""
    try:
        path = candidate.resolve(strict=True)
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError:
        return None
    is_python = path.name.startswith("python")  # the shims of mise are links to mise itself
    return path if is_python and magic in _EXECUTABLE_MAGIC and os.access(path, os.X_OK) else None
