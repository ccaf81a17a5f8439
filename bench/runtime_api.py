"""A Runtime API with little overhead: blocking sockets, one event at a time, the next as soon as the client asks for it.

It runs in the measuring process and reads what the client posts, streamed responses too. Between a response and the next event
it does as little as possible: whatever it touches evicts the measured code from the processor's caches.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from select import POLLIN, poll

from msgspec import Struct

_PATIENCE = 60.0
_GLANCE = struct.pack("ll", 1, 0)
"""Seconds to listen to the only connection before looking for others (SO_RCVTIMEO; settimeout would cost a poll per recv)."""
_CHUNK = 1 << 18
KEPT_MAX = 4 << 20
"""Bytes of a response that are kept; of a longer one only the size is known."""

_HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    "Lambda-Runtime-Deadline-Ms: {}\r\n"
    "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:123456789012:function:hello:live\r\n"
    "Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1\r\n"
    "Date: Mon, 23 Nov 2026 04:00:00 GMT\r\n"
    "Content-Length: {}\r\n"
    "Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-"
)
_ACCEPTED = (
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nDate: Mon, 23 Nov 2026 04:00:00 GMT\r\n"
    b'Content-Length: 16\r\n\r\n{"status":"OK"}\n'
)


class Trouble(Exception):
    """The measured process misbehaved. The message says how."""


class Posted(Struct, frozen=True):
    """What a client posted: to where ("response", "error"), in which mode, its first KEPT_MAX bytes, its size."""

    kind: str
    streamed: bool
    body: bytes
    size: int


class RuntimeApi:
    """Serves one process. `alive` raises Trouble when that process has ended."""

    def __init__(self, alive: Callable[[], None]) -> None:
        self._alive = alive
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._poll = poll()
        self._poll.register(self._listener, POLLIN)
        self._connections: dict[int, socket.socket] = {}
        self._only: socket.socket | None = None
        self._parked: socket.socket | None = None
        self._count = 0
        self.posted = Posted("", False, b"", 0)

    def wait(self) -> None:
        """Until the client asks for an event."""
        while self._parked is None:
            self._serve_one()

    def run(self, event: bytes, calls: int) -> list[int]:
        """Hands out the event so many times; nanoseconds from each being sent to the next being asked for."""
        head = _HEAD.format(int(time.time() * 1000) + 900_000, len(event)).encode() + b"%012x\r\n\r\n"
        cycles: list[int] = []
        self.wait()
        for _ in range(calls):
            connection, self._parked = self._parked, None
            assert connection is not None
            self._count += 1
            message = head % self._count + event
            start = time.perf_counter_ns()
            connection.sendall(message)
            while self._parked is None:
                self._serve_one()
            cycles.append(time.perf_counter_ns() - start)
        if self.posted.kind != "response":
            raise Trouble(f"posted to {self.posted.kind}: {self.posted.body[:2000]!r}")
        return cycles

    def close(self) -> None:
        for connection in (self._listener, *self._connections.values()):
            connection.close()

    def _serve_one(self) -> None:
        """Takes one request, or finds that a connection has ended."""
        connection = self._only or self._ready()
        try:
            data = connection.recv(_CHUNK)
        except BlockingIOError:  # nothing on the only connection: perhaps the client has made another
            connection = self._ready()
            data = connection.recv(_CHUNK)
        if data[:4] == b"GET " and data[-4:] == b"\r\n\r\n":
            self._parked = connection
        elif data:
            self._take(connection, data)
        else:
            self._forget(connection)

    def _take(self, connection: socket.socket, data: bytes) -> None:
        """What is posted. A request begins with `data`."""
        while b"\r\n\r\n" not in data:
            data += _receive(connection)
        head, _, rest = data.partition(b"\r\n\r\n")
        folded = head.lower()
        if b"\r\nexpect: 100-continue" in folded:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if b"\r\ntransfer-encoding: chunked" in folded:
            body, size = _read_chunked(connection, rest)
        else:
            body, size = _read_sized(connection, rest, int(folded.partition(b"\r\ncontent-length:")[2].partition(b"\r")[0]))
        connection.sendall(_ACCEPTED)
        kind = head[: head.find(b" ", 5)].rpartition(b"/")[2].decode()  # POST /2018-06-01/runtime/invocation/<id>/response
        self.posted = Posted(kind, b"\r\nlambda-runtime-function-response-mode: streaming" in folded, body, size)

    def _ready(self) -> socket.socket:
        """A connection on which something happened."""
        until = time.monotonic() + _PATIENCE
        while True:
            for descriptor, _ in self._poll.poll(500):
                if descriptor != self._listener.fileno():
                    return self._connections[descriptor]
                self._accept()
            self._alive()
            if time.monotonic() > until:
                raise Trouble(f"nothing came from the process for {_PATIENCE:.0f} s")

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _GLANCE)
        self._connections[connection.fileno()] = connection
        self._poll.register(connection, POLLIN)
        self._only = connection if len(self._connections) == 1 else None

    def _forget(self, connection: socket.socket) -> None:
        self._poll.unregister(connection)
        del self._connections[connection.fileno()]
        connection.close()
        self._only = next(iter(self._connections.values())) if len(self._connections) == 1 else None


def _read_sized(connection: socket.socket, rest: bytes, length: int) -> tuple[bytes, int]:
    if len(rest) == length:
        return rest, length
    parts, remaining = [rest], length - len(rest)
    while remaining > 0:
        parts.append(_receive(connection))
        remaining -= len(parts[-1])
    return b"".join(parts), length


def _read_chunked(connection: socket.socket, data: bytes) -> tuple[bytes, int]:
    """The first KEPT_MAX bytes and the size of a chunked body; its trailers are read and dropped."""
    body = bytearray()
    total = 0
    while True:
        while b"\r\n" not in data:
            data += _receive(connection)
        line, _, data = data.partition(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        if size == 0:
            while line:
                while b"\r\n" not in data:
                    data += _receive(connection)
                line, _, data = data.partition(b"\r\n")
            return bytes(body), total
        parts, length = [data], len(data)
        while length < size + 2:
            parts.append(_receive(connection))
            length += len(parts[-1])
        data = b"".join(parts)
        if len(body) < KEPT_MAX:
            body += data[:size]
        total += size
        data = data[size + 2 :]


def _receive(connection: socket.socket) -> bytes:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            data = connection.recv(_CHUNK)
        except BlockingIOError:
            if time.monotonic() > until:
                raise Trouble(f"a response broke off {_PATIENCE:.0f} s ago") from None
            continue
        if not data:
            raise Trouble("the process closed the connection in the middle of a response")
        return data
