"""uvicorn's HTTP protocol for a service that trusts no client.

Connections and headers are bounded, and trailers don't become headers.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lambent.local.engine import machine_limits

_HEAD_MAX = 256 * 1024  # bytes of a request line and its headers, far more than AWS permits
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 26\r\n"
    b"connection: close\r\n\r\nthe headers are too large\n"
)


class BoundedProtocol(HttpToolsProtocol):
    """One connection of a client. One too many ends the connection that has been idle for longest."""

    _open: ClassVar[dict[BoundedProtocol, None]] = {}  # the one that was used last at the end
    _in_head = True
    _head_size = 0

    @property
    def is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        super().connection_made(transport)
        if len(self._open) >= machine_limits.clients_max():
            oldest = next((each for each in self._open if each.is_idle), self)
            self._open.pop(oldest, None)
            oldest.transport.abort()
        self._open[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_size += len(data)
        super().data_received(data)
        if self._in_head and self._head_size > _HEAD_MAX and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # else it is a trailer, which nothing has signed or checked
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._open.pop(self, self) is None:
            self._open[self] = None
        self._in_head, self._head_size = True, 0
