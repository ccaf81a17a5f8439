"""Waits for changes in a project's folder, and for them to be complete."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
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


class Filter(watchfiles.DefaultFilter):
    """Leaves out what editors, tools and version control write; `only` is the one file of an app that is no folder."""

    ignore_dirs = (*watchfiles.DefaultFilter.ignore_dirs, ".ruff_cache", ".nox", ".aws-sam", ".serverless", ".terraform")

    def __init__(self, only: Path | None = None) -> None:
        super().__init__()
        self._only = str(only) if only is not None else ""

    def __call__(self, change: watchfiles.Change, path: str) -> bool:
        return super().__call__(change, path) and (not self._only or path == self._only)


def watch(path: Path, stop: threading.Event) -> Iterator[frozenset[Path]]:
    """Yield the paths that have changed, for each save or checkout once, until `stop` is set. The first set may be empty.

    What has changed before that may be missing.

    Raises LambentError if the folder can't be watched.
    """
    path = path.resolve()
    folder = path if path.is_dir() else path.parent
    changes = watchfiles.watch(
        folder,
        watch_filter=Filter(None if path.is_dir() else path),
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
                is_first = False
                yield frozenset(Path(name) for _, name in batch)
    except (OSError, RuntimeError) as error:
        hint = "sysctl fs.inotify.max_user_watches=524288, or WATCHFILES_FORCE_POLLING=1"
        raise LambentError(f"can't watch the folder: {error}", where=str(folder), hint=hint) from error


def _wait_for_git(folder: Path) -> None:
    """Wait while git writes files of this repository: a checkout is one change."""
    lock = next((parent / _LOCK for parent in (folder, *folder.parents) if (parent / ".git").is_dir()), None)
    deadline = time.monotonic() + _GIT_S
    while lock is not None and lock.exists() and time.monotonic() < deadline:
        time.sleep(_POLL_S)
