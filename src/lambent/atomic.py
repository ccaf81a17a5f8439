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


class NewFile:
    """A temporary file in `folder`, open for writing. As a context manager it deletes the file, unless that was moved."""

    def __init__(self, folder: Path) -> None:
        """Create the file, and missing folders. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=PREFIX)
        self.file: BinaryIO = os.fdopen(handle, "wb")
        self._path: Path | None = Path(name)

    def move_to(self, path: Path, *, mode: int = 0o644, durable: bool = False) -> None:
        """Close the file and give it its name, in place of an older file. With `durable` its content is on the disk first."""
        assert self._path
        if durable:
            self.file.flush()
            os.fsync(self.file.fileno())
        self.file.close()
        self._path.chmod(mode)
        self._path.replace(path)
        self._path = None

    def __enter__(self) -> NewFile:
        return self

    def __exit__(self, *exception: object) -> None:
        self.file.close()
        if self._path:
            self._path.unlink(missing_ok=True)


@contextmanager
def replacing(path: Path, *, mode: int = 0o644, durable: bool = False) -> Iterator[BinaryIO]:
    """Open a file that replaces `path` when the block ends without an error; otherwise `path` stays as it was.

    Creates missing folders. With `durable` the content is on the disk (fsync) before `path` is replaced. Raises OSError.
    """
    with NewFile(path.parent) as new:
        yield new.file
        new.move_to(path, mode=mode, durable=durable)


def write_bytes(path: Path, data: bytes, *, mode: int = 0o644, durable: bool = False) -> None:
    """Write a file as `replacing` does."""
    with replacing(path, mode=mode, durable=durable) as file:
        file.write(data)
