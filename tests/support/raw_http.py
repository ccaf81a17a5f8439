"""HTTP/1.1 over a bare socket: requests are sent byte for byte, and responses aren't normalized."""

from __future__ import annotations

import contextlib
import socket

from msgspec import Struct

_INTERIM = range(100, 200)
_BODILESS = (204, 304)


class Request(Struct, frozen=True):
    """One request. Text is encoded as latin-1. With `cuts` (sizes) the body is sent in chunks, else with its length."""

    method: str = "GET"
    target: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    cuts: tuple[int, ...] | None = None

    def encode(self, host: str) -> bytes:
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.cuts is not None:
            lines.append("Transfer-Encoding: chunked")
        elif self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        return head + (self.body if self.cuts is None else b"".join(self._chunks()))

    def _chunks(self) -> list[bytes]:
        remaining, parts = self.body, []
        for size in (*(self.cuts or ()), len(self.body)):
            if part := remaining[: max(size, 1)]:
                parts.append(b"%x\r\n%s\r\n" % (len(part), part))
                remaining = remaining[len(part) :]
        return [*parts, b"0\r\n\r\n"]


class Response(Struct, frozen=True):
    """One response. Header names are in lower case. Not `complete` if the server disconnected before the end."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    complete: bool = True

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


class Disconnected(Exception):
    """The other side closed the connection."""


class Client:
    """A client of one site on 127.0.0.1. Keeps its connection open as long as the site does."""

    def __init__(self, port: int, host: str) -> None:
        self.port = port
        self.host = host
        self._socket: socket.socket | None = None
        self._data = b""

    def send(self, request: Request) -> Response:
        """Send a request; again on a new connection if the site has closed the old one."""
        data = request.encode(self.host)
        reused = self._socket is not None
        try:
            return self._send_once(data, request.method)
        except (Disconnected, ConnectionError):
            self.close()
            if not reused:
                raise
        return self._send_once(data, request.method)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._data = None, b""

    def _send_once(self, data: bytes, method: str) -> Response:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=20)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(data)
        status, headers = self._head()
        while status in _INTERIM:
            status, headers = self._head()
        values = dict(headers)
        bodiless = method == "HEAD" or status in _BODILESS
        body, complete = (b"", True) if bodiless else self._body(values)
        if (
            not complete or method == "HEAD" or values.get("connection", "").lower() == "close"
        ):  # some servers send a body to HEAD
            self.close()
        return Response(status, tuple(headers), body, complete)

    def _head(self) -> tuple[int, list[tuple[str, str]]]:
        while b"\r\n\r\n" not in self._data:
            self._receive_more()
        head, _, self._data = self._data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = [line.partition(":") for line in lines]
        return int(first.split(" ")[1]), [(name.lower(), value.strip(" \t")) for name, _, value in fields]

    def _body(self, headers: dict[str, str]) -> tuple[bytes, bool]:
        parts: list[bytes] = []
        with contextlib.suppress(Disconnected, ConnectionError):
            if headers.get("transfer-encoding", "").lower() == "chunked":
                while size := int(self._line().partition(b";")[0], 16):
                    parts.append(self._exactly(size))
                    self._line()
                while self._line():  # trailers
                    pass
            elif "content-length" in headers:
                parts.append(self._exactly(int(headers["content-length"])))
            else:
                raise AssertionError("neither a length nor chunks")
            return b"".join(parts), True
        return b"".join(parts) + self._data, False

    def _line(self) -> bytes:
        while b"\r\n" not in self._data:
            self._receive_more()
        line, _, self._data = self._data.partition(b"\r\n")
        return line

    def _exactly(self, size: int) -> bytes:
        parts, missing = [self._data], size - len(self._data)
        while missing > 0:
            part = self._receive()
            parts.append(part)
            missing -= len(part)
        data = b"".join(parts)
        self._data = data[size:]
        return data[:size]

    def _receive_more(self) -> None:
        self._data += self._receive()

    def _receive(self) -> bytes:
        assert self._socket is not None
        data = self._socket.recv(1 << 16)
        if not data:
            raise Disconnected
        return data
