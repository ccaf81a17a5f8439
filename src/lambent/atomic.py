"""Files that are written completely or not at all: a temporary file in the same folder, renamed over the old one at the end."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PREFIX = ".new-"
"""The names of temporary files begin with it. A killed process may leave some behind."""


@contextmanager
def replacing(path: Path, *, mode: int = 0o644, durable: bool = False) -> Iterator[BinaryIO]:
    """Open a file that replaces `path` when the block ends without an error; otherwise `path` stays as it was.

    Creates missing folders. With `durable` the content is on the disk (fsync) before `path` is replaced. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=PREFIX)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, data: bytes, *, mode: int = 0o644, durable: bool = False) -> None:
    """Write a file as `replacing` does."""
    with replacing(path, mode=mode, durable=durable) as file:
        file.write(data)
