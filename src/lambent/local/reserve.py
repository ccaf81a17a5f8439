"""Space on the disk that only deletions use: they free space, so they have to work on a full disk."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from lambent.local.database import refused_by_disk
from lambent.local.regular_file import open_regular

NAME = "reserve"
_SIZE = 128 * 1024


class Reserve:
    """A file in `folder` that is deleted when the space is needed. Not thread-safe: the caller holds a lock."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._fill()

    def spend(self, delete: Callable[[], None]) -> None:
        """Run what deletes something, with the space of the reserve if the disk is full. Raises what `delete` raises."""
        try:
            delete()
        except (OSError, sqlite3.Error) as error:
            if not refused_by_disk(error):
                raise
            self._path.unlink(missing_ok=True)
            delete()
        else:
            self._fill()

    def _fill(self) -> None:
        with contextlib.suppress(OSError):  # a full disk: the next deletion tries again
            if self._path.exists():
                return
            descriptor = open_regular(self._path, os.O_WRONLY | os.O_CREAT)
            try:
                os.write(descriptor, bytes(_SIZE))
            finally:
                os.close(descriptor)
