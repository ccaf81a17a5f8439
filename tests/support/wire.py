"""HTTP/1.1 over a bare socket: what is asked goes out byte for byte, and what comes back is not tidied up."""

from __future__ import annotations

import contextlib
import socket

from msgspec import Struct

_INTERIM = range(100, 200)
_BODILESS = (204, 304)


class Ask(Struct, frozen=True):
    """One request. Text stands for bytes, as latin-1. With `cuts` (sizes) the body goes out in chunks; else with its length."""

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
        rest, parts = self.body, []
        for size in (*(self.cuts or ()), len(self.body)):
            if part := rest[: max(size, 1)]:
                parts.append(b"%x\r\n%s\r\n" % (len(part), part))
                rest = rest[len(part) :]
        return [*parts, b"0\r\n\r\n"]


class Got(Struct, frozen=True):
    """One answer: lower-case names with the values as they came. Not `complete` if the server hung up before the end."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    complete: bool = True

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


class HungUp(Exception):
    """The other side closed the connection."""


class Wire:
    """A client of one site on 127.0.0.1. Keeps its connection for as long as the site does."""

    def __init__(self, port: int, host: str) -> None:
        self.port = port
        self.host = host
        self._socket: socket.socket | None = None
        self._data = b""

    def ask(self, one: Ask) -> Got:
        """Asks once more, on a new connection, if a kept one turns out to have been closed."""
        sent = one.encode(self.host)
        kept = self._socket is not None
        try:
            return self._once(sent, one.method)
        except (HungUp, ConnectionError):
            self.close()
            if not kept:
                raise
        return self._once(sent, one.method)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._data = None, b""

    def _once(self, sent: bytes, method: str) -> Got:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=20)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(sent)
        status, headers = self._head()
        while status in _INTERIM:
            status, headers = self._head()
        named = dict(headers)
        bodiless = method == "HEAD" or status in _BODILESS
        body, complete = (b"", True) if bodiless else self._body(named)
        if not complete or method == "HEAD" or named.get("connection", "").lower() == "close":  # some send a body to HEAD
            self.close()
        return Got(status, tuple(headers), body, complete)

    def _head(self) -> tuple[int, list[tuple[str, str]]]:
        while b"\r\n\r\n" not in self._data:
            self._more()
        head, _, self._data = self._data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        parted = [line.partition(":") for line in lines]
        return int(first.split(" ")[1]), [(name.lower(), value.strip(" \t")) for name, _, value in parted]

    def _body(self, headers: dict[str, str]) -> tuple[bytes, bool]:
        parts: list[bytes] = []
        with contextlib.suppress(HungUp, ConnectionError):
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
            self._more()
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

    def _more(self) -> None:
        self._data += self._receive()

    def _receive(self) -> bytes:
        assert self._socket is not None
        data = self._socket.recv(1 << 16)
        if not data:
            raise HungUp
        return data
