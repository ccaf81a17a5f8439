"""A file that is being downloaded. Its bytes survive from one run to the next, and one process at a time adds to them."""

from __future__ import annotations

import os
from io import FileIO
from pathlib import Path
from threading import Event
from types import TracebackType

from filelock import FileLock, Timeout

_LOCK_POLL_S = 0.05
_CHUNK = 1 << 20


class Stopped(Exception):
    """Another download failed, or the user pressed Ctrl-C."""


class PartialFile:
    """The file at `path`, locked inside `with`. A file next to it holds the validator (ETag or date) that the server sent.

    The lock is a file of its own, since Windows can't rename a file that is open. It stays, until the cache is pruned: a
    process that waits for it may have opened it already.
    """

    def __init__(self, path: Path, stop: Event) -> None:
        self.path = path
        self._stop = stop
        self._validator = path.with_suffix(".validator")
        self._lock = FileLock(path.with_suffix(".lock"))
        self._file: FileIO

    def __enter__(self) -> PartialFile:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._wait_for_lock()
        try:
            self._file = FileIO(self.path, "a+b")
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        is_empty = not self._file.closed and not self.size
        self._file.close()
        # an OSError is most likely a full disk: free what we used of it
        if isinstance(error, OSError) or is_empty:
            self.discard()
        self._lock.release()

    def _wait_for_lock(self) -> None:
        while True:
            try:
                self._lock.acquire(timeout=0)
                return
            except Timeout:
                if self._stop.wait(_LOCK_POLL_S):
                    raise Stopped from None

    @property
    def size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    @property
    def validator(self) -> str:
        """The ETag or date that the server sent for these bytes, or ""."""
        try:
            return self._validator.read_text("utf-8")
        except (OSError, ValueError):
            return ""

    def read(self) -> bytes:
        """Return the next bytes after `rewind`."""
        return self._file.read(_CHUNK) or b""

    def rewind(self) -> None:
        self._file.seek(0)

    def restart(self, validator: str = "") -> None:
        """Delete the bytes, to download the file from the beginning."""
        self._file.seek(0)
        self._file.truncate()
        if validator:
            self._validator.write_text(validator, "utf-8")
        else:
            self._validator.unlink(missing_ok=True)

    def append(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def finish(self) -> Path:
        """Close the file, and return its path, ready to be renamed."""
        self._file.close()
        self._validator.unlink(missing_ok=True)
        return self.path

    def discard(self) -> None:
        self._file.close()
        self._validator.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)
