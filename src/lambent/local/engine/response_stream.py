"""The bytes of one streamed answer, between the runtime that writes and the client that reads."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

_FULL = 256 * 1024
"""Bytes that wait for the reader before the runtime is no longer read from (it then waits in its own `send`)."""


class Source(Protocol):
    """Where the bytes come from: the runtime's connection."""

    def pause(self) -> None: ...
    def resume(self) -> None: ...


class Channel:
    """`begin`, `put` and `close` are the runtime's side, `read` and `abandon` the client's. One reader."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.content_type = ""
        self.size = 0
        self._source: Source | None = None
        self._chunks: deque[bytes] = deque()
        self._waiting = 0
        self._paused = self._closed = self._abandoned = False
        self._changed = asyncio.Event()

    def begin(self, content_type: str, source: Source) -> None:
        """The runtime has said that it streams, and what."""
        self.content_type = content_type
        self._source = source
        self.begun.set()

    def put(self, data: bytes) -> None:
        """`size` counts all that was put. What comes after `close` or `abandon` is thrown away."""
        self.size += len(data)
        if self._closed or self._abandoned:
            return
        self._chunks.append(data)
        self._waiting += len(data)
        if self._waiting >= _FULL and not self._paused and self._source is not None:
            self._paused = True
            self._source.pause()
        self._changed.set()

    def close(self) -> None:
        """No more will come; what waits can still be read."""
        self._closed = True
        self._flow()
        self._changed.set()

    async def read(self) -> bytes:
        """What has come since, at least one byte; b"" at the end."""
        while not self._chunks:
            if self._closed or self._abandoned:
                return b""
            self._changed.clear()
            await self._changed.wait()
        data = self._chunks.popleft() if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._waiting = 0
        self._flow()
        return data

    def abandon(self) -> None:
        """The reader is gone: the runtime writes on, to nobody."""
        self._abandoned = True
        self._chunks.clear()
        self._waiting = 0
        self._flow()
        self._changed.set()

    def _flow(self) -> None:
        if self._paused and self._source is not None:
            self._paused = False
            self._source.resume()
