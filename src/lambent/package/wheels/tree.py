"""A local source tree: what identifies its content, and whether a build may run inside it."""

from __future__ import annotations

import hashlib
import os
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
    for name, path in _files(folder):
        whole.update(name.encode("utf-8", "surrogateescape") + b"\0")
        if path.is_symlink() and not path.exists():
            whole.update(os.fsencode(path.readlink()))
            continue
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


def _files(top: Path) -> Iterator[tuple[str, Path]]:
    for where, folders, names in os.walk(top):
        here = Path(where)
        if here != top and "pyvenv.cfg" in names:
            folders.clear()
            continue
        skipped = _SKIPPED | set(_LEFT_BY_BUILDS if here == top else ())
        folders[:] = sorted(name for name in folders if name not in skipped and not name.endswith(".egg-info"))
        for name in sorted(names):
            path = here / name
            if not name.endswith(".pyc") and (path.is_file() or path.is_symlink()):
                yield path.relative_to(top).as_posix(), path


def builds_cleanly(backend: str) -> bool:
    """Whether this build backend leaves nothing in the tree. Others do, and take up what an earlier build left there."""
    return backend.startswith(_CLEAN)
