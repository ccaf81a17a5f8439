"""A lock on a file, which the system releases when its holder ends, however it ends."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lambent.lazy import LazyModule
from lambent.local.regular_file import open_regular

if TYPE_CHECKING:
    import fcntl
else:
    fcntl = LazyModule("fcntl")  # Windows has none, and no local Lambda, but the same commands deploy from there to AWS

_POLL_S = 0.02  # flock has no time-out of its own


class FileLocked(Exception):
    """Another process holds the lock."""


def acquire(path: Path, wait_s: float = 0.0) -> int:
    """Acquire the lock within `wait_s` seconds. Closing the returned descriptor releases it. Raises FileLocked or OSError."""
    descriptor = open_regular(path, os.O_RDWR | os.O_CREAT)
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)  # for `holder`
            return descriptor
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise FileLocked(str(path)) from None
            time.sleep(_POLL_S)


def holder(path: Path) -> int | None:
    """Return the pid of the process that holds the lock, or None if no process does. Raises OSError."""
    try:
        descriptor = open_regular(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.read(descriptor, 32)
        return int(text) if text.isdigit() else None  # it acquires the lock just now
    else:
        return None
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the lock within the block. Raises FileLocked or OSError."""
    descriptor = acquire(path, wait_s)
    try:
        yield
    finally:
        os.close(descriptor)
