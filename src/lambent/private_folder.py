"""Folders that only their owner may enter: they contain code, passwords and keys."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lambent.systems import is_windows

CACHE_TAG = "CACHEDIR.TAG"  # https://bford.info/cachedir/
"""The file that marks a cache of lambent."""

_OTHERS = 0o077


def make_private_cache(cache: Path) -> None:
    """Create lambent's cache: it contains the user's code. One that exists becomes private. Raises OSError."""
    make_private(cache, lambda names: CACHE_TAG in names)


def make_private(folder: Path, is_ours: Callable[[list[str]], bool]) -> None:
    """Create a folder that only its owner may enter, and missing folders above it. Raises OSError.

    An existing one becomes private if it belongs to this user and `is_ours` says that its content, a list of names, is
    lambent's. Otherwise its mode stays: it may be a folder that is shared on purpose, such as /tmp.
    """
    with suppress(FileExistsError):
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(0o700)
    if is_windows():  # there, access lists, which a user's own folders pass on, take the place of modes
        return
    status = folder.stat()
    shared = status.st_uid != os.geteuid() or status.st_mode & stat.S_ISVTX
    if status.st_mode & _OTHERS and not shared and is_ours([path.name for path in folder.iterdir()]):
        withdraw_permissions(folder)


def withdraw_permissions(path: Path) -> None:
    """Leave a file or folder to its owner. Does nothing if it belongs to another user."""
    mode = path.lstat().st_mode
    if mode & _OTHERS and not stat.S_ISLNK(mode):
        with suppress(PermissionError):
            path.chmod(stat.S_IMODE(mode) & ~_OTHERS)
