"""A file that is being downloaded. Its bytes survive from one run to the next, and one process at a time adds to them."""

from __future__ import annotations

import fcntl
import os
from io import FileIO
from pathlib import Path
from threading import Event
from types import TracebackType

_LOCK_POLL_S = 0.05  # flock has no time-out, and waiting for it can't be interrupted
_CHUNK = 1 << 20


class Stopped(Exception):
    """Another download failed, or the user pressed Ctrl-C."""


class PartialFile:
    """The file at `path`, locked inside `with`. A file next to it holds the validator (ETag or date) that the server sent."""

    def __init__(self, path: Path, stop: Event) -> None:
        self.path = path
        self._stop = stop
        self._validator = path.with_suffix(".validator")
        self._file: FileIO

    def __enter__(self) -> PartialFile:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            self._file = FileIO(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), "r+b")
            self._lock()
            if self._is_at_path():
                self._file.seek(0, os.SEEK_END)
                return self
            self._file.close()  # the process that held the lock finished the file and renamed it

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # an OSError is most likely a full disk: free what we used of it
        if (isinstance(error, OSError) or not self.size) and self._is_at_path():
            self.discard()
        self._file.close()

    def _lock(self) -> None:
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if self._stop.wait(_LOCK_POLL_S):
                    self._file.close()
                    raise Stopped from None

    def _is_at_path(self) -> bool:
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return False

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
        """Return the path, ready to be renamed."""
        self._validator.unlink(missing_ok=True)
        return self.path

    def discard(self) -> None:
        self._validator.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)
