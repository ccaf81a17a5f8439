"""A local source tree: what identifies its content, and whether a build may run inside it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from lambent.errors import PackagingError

_SKIPPED = frozenset(
    [
        *(".git", ".hg", ".svn", "__pycache__", "node_modules", ".tox", ".nox", ".eggs", ".venv", ".idea", ".vscode"),
        *(".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".pdm-build", ".ipynb_checkpoints"),
    ]
)
_LEFT_BY_BUILDS = ("build", "dist")
_CLEAN = ("hatchling", "flit_core", "uv_build", "poetry.core")


def digest(folder: Path) -> str:
    """Of all that a build may read: names and content, not dates. Raises PackagingError when there is no such folder."""
    if not folder.is_dir():
        raise PackagingError(
            "a package's folder is not there", where=str(folder), hint="correct its path, or remove the requirement"
        )
    whole = hashlib.sha256()
    for name, path in _files(folder, "", (folder.resolve(),)):
        with path.open("rb") as file:
            whole.update(name.encode("utf-8", "surrogateescape") + b"\0")
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


def copy(folder: Path, to: Path) -> Path:
    """The tree as its digest sees it, and its version control, which some builds ask for their files. Returns `to`.

    Links become what they lead to: in another place they would lead elsewhere.
    """
    for name, path in _files(folder, "", (folder.resolve(),)):
        place = to / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
        shutil.copymode(path, place)
    if (folder / ".git").is_dir():
        shutil.copytree(folder / ".git", to / ".git", symlinks=True)
    return to


def _files(folder: Path, prefix: str, above: tuple[Path, ...]) -> Iterator[tuple[str, Path]]:
    """All files by their names in the tree, in order. `above` are the real folders on the way: links back are not followed."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        path = Path(entry.path)
        if entry.is_dir():
            real = path.resolve()
            if not (_is_skipped(entry.name, top=not prefix) or (path / "pyvenv.cfg").exists() or real in above):
                yield from _files(path, f"{prefix}{entry.name}/", (*above, real))
        elif entry.is_file() and not entry.name.endswith(".pyc"):
            yield prefix + entry.name, path


def _is_skipped(name: str, top: bool) -> bool:
    return name in _SKIPPED or name.endswith(".egg-info") or (top and name in _LEFT_BY_BUILDS)


def builds_cleanly(backend: str) -> bool:
    """Whether this build backend leaves nothing in the tree. Others do, and take up what an earlier build left there."""
    return backend.startswith(_CLEAN)
