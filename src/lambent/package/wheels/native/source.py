"""The source of a package, in a folder of our own: what is native in it, and which build system it has."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
import tomllib
import zipfile
from pathlib import Path, PurePosixPath

from lambent.errors import PackagingError

_NATIVE = frozenset({".c", ".cc", ".cpp", ".cxx", ".pyx", ".rs", ".f", ".f90", ".pyf"})
_NOT_OURS = frozenset({"test", "tests", "testing", "doc", "docs", "example", "examples", "benchmark", "benchmarks", "bench"})
_LEFT_OUT = ("build", "dist", ".venv", "venv", ".tox", "node_modules")


def take(source: Path, folder: Path) -> Path:
    """Unpacks a source distribution, or copies a local folder without what earlier builds left. Returns where it is."""
    try:
        if source.is_dir():
            return _copy(source, folder)
        if source.suffix == ".zip":
            with zipfile.ZipFile(source) as packed:
                packed.extractall(folder)
        else:
            with tarfile.open(source) as packed_tar:
                packed_tar.extractall(folder, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError) as error:
        raise PackagingError(f"the source distribution cannot be unpacked: {error}", where=source.name) from error
    found = [entry for entry in folder.iterdir() if entry.is_dir()]
    if len(found) != 1:
        raise PackagingError("a source distribution has one folder in it, this one has not", where=source.name)
    return found[0]


def _copy(source: Path, folder: Path) -> Path:
    def leave_out(where: str, names: list[str]) -> list[str]:
        top = Path(where) == source
        return [name for name in names if name == "__pycache__" or (top and name in _LEFT_OUT) or name.endswith(".so")]

    return Path(shutil.copytree(source, folder / "source", symlinks=True, ignore=leave_out))


def native_files(tree: Path) -> list[str]:
    """The files that are compiled, but for those of tests, examples and documentation."""
    found = []
    for where, folders, names in os.walk(tree):
        folders[:] = sorted(name for name in folders if name not in _NOT_OURS and not name.startswith("."))
        place = PurePosixPath(Path(where).relative_to(tree).as_posix())
        found += [str(place / name) for name in sorted(names) if Path(name).suffix.lower() in _NATIVE]
    return found


def build_system(tree: Path) -> tuple[str, tuple[str, ...]]:
    """The backend of pyproject.toml ("setuptools.build_meta:__legacy__" without one) and the names of what it requires."""
    try:
        with (tree / "pyproject.toml").open("rb") as file:
            table = tomllib.load(file).get("build-system", {})
        requires = [str(line) for line in table.get("requires", ())]
        backend = str(table.get("build-backend", ""))
    except (OSError, ValueError, AttributeError):
        requires, backend = [], ""
    names = (match[0] for line in requires if (match := re.match(r"[\w.-]+", line)))
    normalised = tuple(re.sub(r"[-_.]+", "-", name).lower() for name in names)
    return backend or "setuptools.build_meta:__legacy__", normalised


def pretended(name: str, version: str, tree: Path) -> dict[str, str]:
    """What tells a build the version that was locked, where it would be read from tags that are not here."""
    if not version:
        return {}
    ours = f"SETUPTOOLS_SCM_PRETEND_VERSION_FOR_{re.sub(r'[-_.]+', '_', name).upper()}"
    told = dict.fromkeys((ours, "PDM_BUILD_SCM_VERSION", "POETRY_DYNAMIC_VERSIONING_BYPASS"), version)
    if "hatch-vcs" in build_system(tree)[1]:  # it does not tell setuptools-scm whose version it asks for
        told["SETUPTOOLS_SCM_PRETEND_VERSION"] = version
    return told
