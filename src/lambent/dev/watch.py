"""Waits for changes in a project's folder and its local packages, and for them to be complete."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import watchfiles

from lambent.errors import LambentError

_QUIET_MS = 10
"""A change counts as complete after this time without another one: editors write, then rename."""

_TOGETHER_MS = 400  # of a long run of changes, as by a formatter
_LOOK_MS = 500
_GIT_S = 30.0
_LOCK = Path(".git", "index.lock")  # exists while git writes files
_POLL_S = 0.01


_BUILD_FOLDERS = ("build", "dist")


class Filter(watchfiles.DefaultFilter):
    """Leaves out what editors, tools and version control write, and in `packages`, which are folders, what builds write.

    `app` is the app's folder, or its only file.
    """

    ignore_entity_patterns = (*watchfiles.DefaultFilter.ignore_entity_patterns, r"\.log$")  # `lambent dev | tee dev.log`
    ignore_dirs = (*watchfiles.DefaultFilter.ignore_dirs, ".ruff_cache", ".nox", ".aws-sam", ".serverless", ".terraform")

    def __init__(self, app: Path, packages: frozenset[Path]) -> None:
        super().__init__()
        self._app, self._packages = app, packages

    def __call__(self, change: watchfiles.Change, path: str) -> bool:
        return super().__call__(change, path) and (Path(path).is_relative_to(self._app) or self._is_in_package(Path(path)))

    def _is_in_package(self, path: Path) -> bool:
        return any(path.is_relative_to(each) and not _is_built(path.relative_to(each)) for each in self._packages)


def _is_built(path: Path) -> bool:
    return any(part in _BUILD_FOLDERS or part.endswith(".egg-info") for part in path.parts)


def watch(
    path: Path, stop: threading.Event, packages: frozenset[Path] = frozenset(), since_s: float = 0
) -> Generator[frozenset[Path], None, None]:
    """Yield the paths that have changed, for each save or checkout once, until `stop` is set. The first set may be empty.

    What has changed before that may be missing. `packages` are folders outside of the app's that are watched too. The first set
    has what has changed in them since a moment, in seconds of Unix time.

    Raises LambentError if the folder can't be watched.
    """
    path = path.resolve()
    folder = path if path.is_dir() else path.parent
    changes = watchfiles.watch(
        folder,
        *sorted(packages),
        watch_filter=Filter(path, packages),
        step=_QUIET_MS,
        debounce=_TOGETHER_MS,
        rust_timeout=_LOOK_MS,
        yield_on_timeout=True,
        stop_event=stop,
        raise_interrupt=True,
    )
    is_first = True
    try:
        for batch in changes:
            if batch or is_first:
                _wait_for_git(folder)
                newer = _modules_since(packages, since_s) if is_first else ()
                is_first = False
                yield frozenset([*(Path(name) for _, name in batch), *newer])
    except (OSError, RuntimeError) as error:
        hint = "sysctl fs.inotify.max_user_watches=524288, or WATCHFILES_FORCE_POLLING=1"
        raise LambentError(f"can't watch the folder: {error}", where=str(folder), hint=hint) from error


def _modules_since(packages: frozenset[Path], since_s: float) -> Iterator[Path]:
    for package in packages:
        for path in package.rglob("*.py"):
            with contextlib.suppress(FileNotFoundError):
                if not _is_built(path.relative_to(package)) and path.stat().st_mtime > since_s:
                    yield path


def _wait_for_git(folder: Path) -> None:
    """Wait while git writes files of this repository: a checkout is one change."""
    lock = next((parent / _LOCK for parent in (folder, *folder.parents) if (parent / ".git").is_dir()), None)
    deadline = time.monotonic() + _GIT_S
    while lock is not None and lock.exists() and time.monotonic() < deadline:
        time.sleep(_POLL_S)
