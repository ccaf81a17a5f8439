"""A file that is arriving: its bytes are kept from one run to the next, and only one process at a time adds to them."""

from __future__ import annotations

import fcntl
import os
from io import FileIO
from pathlib import Path
from threading import Event
from types import TracebackType

_LOOK_AGAIN_S = 0.05  # flock has no time-out of its own, and could not be interrupted
_CHUNK = 1 << 20


class Stopped(Exception):
    """Another download failed, or somebody pressed Ctrl-C."""


class Partial:
    """The file at `path`, locked while inside. Next to it stands the validator that the server gave for these bytes."""

    def __init__(self, path: Path, stop: Event) -> None:
        self.path = path
        self._stop = stop
        self._validator = path.with_suffix(".validator")
        self._file: FileIO

    def __enter__(self) -> Partial:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            self._file = FileIO(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), "r+b")
            self._lock()
            if self._still_named():
                self._file.seek(0, os.SEEK_END)
                return self
            self._file.close()  # its holder finished it, and renamed it away

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # a full disk gets its room back
        if (isinstance(error, OSError) or not self.size) and self._still_named():
            self.discard()
        self._file.close()

    def _lock(self) -> None:
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if self._stop.wait(_LOOK_AGAIN_S):
                    self._file.close()
                    raise Stopped from None

    def _still_named(self) -> bool:
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return False
        mine = os.fstat(self._file.fileno())
        return (there.st_ino, there.st_dev) == (mine.st_ino, mine.st_dev)

    @property
    def size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    @property
    def validator(self) -> str:
        """The entity tag or date that these bytes had, or ""."""
        try:
            return self._validator.read_text("utf-8")
        except (OSError, ValueError):
            return ""

    def read(self) -> bytes:
        """The next bytes from where `rewind` went."""
        return self._file.read(_CHUNK) or b""

    def rewind(self) -> None:
        self._file.seek(0)

    def restart(self, validator: str = "") -> None:
        """Forgets what is there."""
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
        """The path, ready to be renamed."""
        self._validator.unlink(missing_ok=True)
        return self.path

    def discard(self) -> None:
        self._validator.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)
