"""The source of a package: unpack or copy it, identify its content, and read what its build needs."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from lambent.errors import PackagingError
from lambent.lazy import LazyModule

if TYPE_CHECKING:
    from packaging import utils
else:  # 40 ms, which a build without a new wheel saves
    utils = LazyModule("packaging.utils")

EPOCH = "315532800"
"""SOURCE_DATE_EPOCH of all builds: 1980-01-01, the first date a zip can hold."""

_SKIPPED = frozenset(
    [
        *(".git", ".hg", ".svn", "__pycache__", "node_modules", ".tox", ".nox", ".eggs", ".venv", ".idea", ".vscode"),
        *(".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".pdm-build", ".ipynb_checkpoints"),
    ]
)
_BUILD_OUTPUT = ("build", "dist")
_CLEAN_BACKENDS = ("hatchling", "flit_core", "uv_build", "poetry.core")
_COMPILED_SUFFIXES = frozenset({".c", ".cc", ".cpp", ".cxx", ".pyx", ".rs", ".f", ".f90", ".pyf"})
_NOT_INSTALLED = frozenset(
    {"test", "tests", "testing", "doc", "docs", "example", "examples", "benchmark", "benchmarks", "bench"}
)
_LEGACY_BACKEND = "setuptools.build_meta:__legacy__"


def digest(folder: Path) -> str:
    """Return a digest of everything a build may read: names and content, not dates."""
    total = hashlib.sha256()
    for name, path in _files(folder, "", (folder.resolve(),)):
        with path.open("rb") as file:
            total.update(name.encode("utf-8", "surrogateescape") + b"\0")
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def copy(folder: Path, destination: Path, *, extension_modules: bool = True) -> Path:
    """Copy the files that `digest` reads and the git repository, which some builds need. Return `destination`.

    Links become copies of what they point to: from another folder they would point elsewhere. Without `extension_modules`,
    the compiled modules of earlier builds stay behind. A setup.cfg alone gets the setup.py that it stands for.
    """
    for name, path in _files(folder, "", (folder.resolve(),)):
        if name.endswith(".so") and not extension_modules:
            continue
        target = destination / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        shutil.copymode(path, target)
    if (folder / ".git").is_dir():
        shutil.copytree(folder / ".git", destination / ".git", symlinks=True)
    if (destination / "setup.cfg").is_file() and not any(
        (destination / name).is_file() for name in ("setup.py", "pyproject.toml")
    ):
        (destination / "setup.py").write_text("from setuptools import setup\nsetup()\n")
    return destination


def unpack(sdist: Path, folder: Path) -> Path:
    """Unpack a source distribution into `folder`, and return the folder of its project. Raises PackagingError."""
    try:
        if sdist.suffix == ".zip":
            with zipfile.ZipFile(sdist) as archive:
                archive.extractall(folder)
        else:
            with tarfile.open(sdist) as tar:
                tar.extractall(folder, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError) as error:
        raise PackagingError(
            f"cannot unpack the source distribution: {error}",
            where=sdist.name,
            hint="choose another version of the package, or report it to the package's authors",
        ) from error
    if (folder / "setup.py").is_file():  # some old ones have no folder of their own
        return folder
    folders = [entry for entry in folder.iterdir() if entry.is_dir()]
    if len(folders) != 1:
        raise PackagingError(
            f"the source distribution must contain one folder, but has {len(folders)}",
            where=sdist.name,
            hint="choose another version of the package, or report it to the package's authors",
        )
    return folders[0]


def builds_in_place(backend: str) -> bool:
    """Return whether a build backend leaves nothing in the source tree. Others do, and reuse what an earlier build left."""
    return backend.startswith(_CLEAN_BACKENDS)


def compiled_files(tree: Path) -> list[str]:
    """Return the files that a build compiles, except those of tests, examples and documentation."""
    compiled = []
    for parent, folders, names in os.walk(tree):
        folders[:] = sorted(name for name in folders if name not in _NOT_INSTALLED and not name.startswith("."))
        prefix = PurePosixPath(Path(parent).relative_to(tree).as_posix())
        compiled += [str(prefix / name) for name in sorted(names) if Path(name).suffix.lower() in _COMPILED_SUFFIXES]
    return compiled


def build_system(tree: Path) -> tuple[str, tuple[str, ...]]:
    """Return the build backend in pyproject.toml (by default setuptools) and the normalized names of what it requires."""
    try:
        with (tree / "pyproject.toml").open("rb") as file:
            table = tomllib.load(file).get("build-system", {})
        requires = [str(line) for line in table.get("requires", ())]
        backend = str(table.get("build-backend", ""))
    except (OSError, ValueError, AttributeError):
        requires, backend = [], ""
    names = (match[0] for line in requires if (match := re.match(r"[\w.-]+", line)))
    return backend or _LEGACY_BACKEND, tuple(utils.canonicalize_name(name) for name in names)


def version_variables(name: str, version: str, tree: Path) -> dict[str, str]:
    """Return the variables that give a build the locked version, where it would read it from git tags that aren't here."""
    if not version:
        return {}
    setuptools_scm = f"SETUPTOOLS_SCM_PRETEND_VERSION_FOR_{utils.canonicalize_name(name).replace('-', '_').upper()}"
    variables = dict.fromkeys((setuptools_scm, "PDM_BUILD_SCM_VERSION", "POETRY_DYNAMIC_VERSIONING_BYPASS"), version)
    if "hatch-vcs" in build_system(tree)[1]:  # it asks setuptools-scm without naming the package
        variables["SETUPTOOLS_SCM_PRETEND_VERSION"] = version
    return variables


def _files(folder: Path, prefix: str, parents: tuple[Path, ...]) -> Iterator[tuple[str, Path]]:
    """Yield all files with their names in the tree, in order. Links to one of `parents` (resolved) are not followed."""
    with os.scandir(folder) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    for entry in entries:
        path = Path(entry.path)
        if entry.is_dir():
            real = path.resolve()
            if not (_is_skipped(entry.name, top=not prefix) or (path / "pyvenv.cfg").exists() or real in parents):
                yield from _files(path, f"{prefix}{entry.name}/", (*parents, real))
        elif entry.is_file() and not entry.name.endswith(".pyc"):
            yield prefix + entry.name, path


def _is_skipped(name: str, top: bool) -> bool:
    return name in _SKIPPED or name.endswith(".egg-info") or (top and name in _BUILD_OUTPUT)
