"""A streamed response, between the runtime that writes it and the client that reads it."""

from __future__ import annotations

import asyncio
from collections import deque

from .invocation import Outcome

_HEAD_MAX = 4096
_BUFFER_MAX = 256 * 1024
"""Bytes that wait for the reader before reading from the runtime pauses. The runtime then waits in its own `send`."""


class ResponseStream:
    """The response to one invocation. It has one reader, and the function runs to its end even if no one reads.

    `begin`, `write` and `close` are the runtime's side. `read`, `outcome` and `abandon` are the client's side.

    `content_type` is None until the runtime begins to stream. If it never does, the response is in the outcome. `head` is the
    beginning of what was streamed.
    """

    def __init__(self) -> None:
        self.content_type: str | None = None
        self.head = b""
        self._invocation: asyncio.Future[Outcome] | None = None
        self._transport: asyncio.ReadTransport | None = None
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._paused = self._closed = self._abandoned = False
        self._begun = asyncio.Event()
        self._changed = asyncio.Event()

    async def wait_for(self, invocation: asyncio.Future[Outcome]) -> None:
        """Wait until the response begins or the invocation ends. Raises what the invocation raised."""
        self._invocation = invocation
        head = asyncio.ensure_future(self._begun.wait())
        try:
            await asyncio.wait((invocation, head), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self.abandon()
            raise
        finally:
            head.cancel()
        if not self._begun.is_set():
            invocation.result()

    def begin(self, content_type: str, transport: asyncio.ReadTransport) -> None:
        """The runtime streams its response over this connection."""
        self.content_type = content_type
        self._transport = transport
        self._begun.set()

    def write(self, data: bytes) -> None:
        """Buffer a chunk. After `close` or `abandon` it is discarded."""
        if len(self.head) < _HEAD_MAX:
            self.head += data[: _HEAD_MAX - len(self.head)]
        if self._closed or self._abandoned:
            return
        self._chunks.append(data)
        self._buffered += len(data)
        if self._buffered >= _BUFFER_MAX and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._changed.set()

    def close(self) -> None:
        """No more chunks will come. Those in the buffer can still be read."""
        self._closed = True
        self._resume()
        self._changed.set()

    async def read(self) -> bytes:
        """Return what has come since the last read, at least one byte, or b"" at the end."""
        while not self._chunks:
            if self._closed or self._abandoned:
                return b""
            self._changed.clear()
            await self._changed.wait()
        data = self._chunks.popleft() if len(self._chunks) == 1 else b"".join(self._chunks)
        self._clear()
        return data

    async def outcome(self) -> Outcome:
        """Wait for the end of the invocation. The payload is empty if the response was streamed and all went well."""
        assert self._invocation is not None, "wait_for comes first"
        return await asyncio.shield(self._invocation)

    def abandon(self) -> None:
        """The reader has gone. What the runtime still writes is discarded."""
        self._abandoned = True
        self._clear()
        self._changed.set()

    def _clear(self) -> None:
        self._chunks.clear()
        self._buffered = 0
        self._resume()

    def _resume(self) -> None:
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
