"""Opening files where anything may be: opening a pipe would wait for ever, and a link may lead anywhere."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def open_regular(path: Path, flags: int = os.O_RDONLY) -> int:
    """Return a descriptor of a file, which is created with mode 0600 if the flags say so. Never waits.

    Raises OSError, also if the path is a link, pipe, socket, device or folder.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return descriptor


def read_regular(path: Path, *, last: int | None = None) -> bytes:
    """Return the content of a file, or its `last` bytes. Raises OSError as `open_regular` does."""
    with os.fdopen(open_regular(path), "rb") as file:
        if last is not None:
            file.seek(max(0, os.fstat(file.fileno()).st_size - last))
        return file.read() if last is None else file.read(last)
