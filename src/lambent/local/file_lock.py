"""A lock on a file, which the system lets go of when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOK_AGAIN_S = 0.02  # flock has no time-out of its own


class Locked(Exception):
    """Somebody else has it."""


def take(path: Path, wait_s: float = 0.0) -> int:
    """Takes the lock, waiting for it at most `wait_s` seconds. Closing the descriptor frees it. Raises Locked."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(descriptor)
                raise Locked(str(path)) from None
            time.sleep(_LOOK_AGAIN_S)


@contextmanager
def locked(path: Path, wait_s: float = 0.0) -> Iterator[None]:
    """Holds the lock inside. Raises Locked."""
    descriptor = take(path, wait_s)
    try:
        yield
    finally:
        os.close(descriptor)
