"""Compress members in a few threads, and write them in the order they were added.

libdeflate releases the interpreter lock. The queue holds a limited number of bytes, so a wheel of any size needs little memory.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

from lambent.package.archive import Entry, Writer, compress

_PENDING_MAX = 32 << 20  # bytes that were added and not yet written
_THREADED_MIN = 64 << 10  # bytes of a member from which on a thread is worthwhile


class DeflateQueue:
    """Members on their way into an archive."""

    def __init__(self, writer: Writer, pool: ThreadPoolExecutor) -> None:
        self._writer = writer
        self._pool = pool
        self._waiting: deque[tuple[int, Future[tuple[Entry, bytes]]]] = deque()
        self._pending = 0

    def add(self, path: str, data: bytes | bytearray, executable: bool, deflated: bytes = b"") -> None:
        """Add a member. `deflated` are its compressed bytes, if they exist already."""
        while self._waiting and (self._pending + len(data) > _PENDING_MAX or self._waiting[0][1].done()):
            self._write()
        if not deflated and len(data) >= _THREADED_MIN:
            self._enqueue(len(data), self._pool.submit(compress, path, data, executable=executable))
            return
        self.add_compressed(*compress(path, data, executable=executable, deflated=deflated))

    def add_compressed(self, entry: Entry, packed: bytes) -> None:
        """Add a member that needs no work."""
        if not self._waiting:
            self._writer.add(entry, packed)
            return
        done: Future[tuple[Entry, bytes]] = Future()
        done.set_result((entry, packed))
        self._enqueue(len(packed), done)

    def finish(self) -> None:
        while self._waiting:
            self._write()

    def _enqueue(self, size: int, future: Future[tuple[Entry, bytes]]) -> None:
        self._pending += size
        self._waiting.append((size, future))

    def _write(self) -> None:
        size, future = self._waiting.popleft()
        self._writer.add(*future.result())
        self._pending -= size
