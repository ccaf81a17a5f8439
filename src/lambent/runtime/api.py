"""A client of the Runtime API: one keep-alive connection, made and read by hand.

Wire form: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. `http.client` would cost 38 ms of imports and three
times the CPU per event. A Python-level recv lets signal handlers run, so waiting for the next event needs no thread.
"""

from __future__ import annotations

import sys
from _socket import AF_INET, AF_INET6, IPPROTO_TCP, SOCK_STREAM, TCP_NODELAY
from _socket import socket as Socket

# Names of headers as they are looked for in a head: to split it would take longer, as few of them are asked for.
_ID = "\nLambda-Runtime-Aws-Request-Id: "
TENANT = "\nLambda-Runtime-Aws-Tenant-Id: "
_OWN_ID = "\nLambda-Runtime-Invocation-Id: "
_LENGTH = "\nContent-Length: "
_VERSION = "/2018-06-01/runtime"
_CHUNK = 65536
# AWS's own client gives up on the header above this size (lambda_runtime_client.py, post_invocation_error).
_MAX_CAUSE = 1024 * 1024
# https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
_STREAM = (
    "Content-Type: application/vnd.awslambda.http-integration-response\r\n"
    "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
    "Transfer-Encoding: chunked\r\n"
    "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n"
)


class ConnectionLost(Exception):
    """The Runtime API hung up, or does not speak HTTP."""


class Invocation:
    """One event as it came: its raw body and the head that says whose it is."""

    __slots__ = ("body", "head", "id")

    def __init__(self, head: str, body: bytes) -> None:
        self.head = head if _ID in head else _respell(head)
        self.body = body
        self.id = self.header(_ID)

    def header(self, field: str) -> str:
        """The value of a header, "" if it is not there. `field` is its name between a line break and ": "."""
        place = self.head.find(field)
        if place < 0:
            return ""
        place += len(field)
        return self.head[place : self.head.find("\r", place)]


class RuntimeApi:
    """Talks to `address` ("host:port", what AWS_LAMBDA_RUNTIME_API holds). Not safe for use by two threads at once."""

    def __init__(self, address: str) -> None:
        self.host, _, port = address.rpartition(":")
        self.port = int(port)
        self._socket: Socket | None = None
        self._ours = True
        version = ".".join(map(str, sys.version_info[:3]))
        self._tail = f" HTTP/1.1\r\nHost: {address}\r\nUser-Agent: lambent-runtime/{version}\r\n"
        self._next = f"GET {_VERSION}/invocation/next{self._tail}\r\n".encode()

    def next(self) -> Invocation:
        """Waits, without time limit, for the next event."""
        status, head, body = self._exchange(self._next)
        if status != 200:
            raise ConnectionLost(f"the Runtime API answered {status} to next: {body!r}")
        invocation = Invocation(head, body)
        if not invocation.id:
            raise ConnectionLost("the Runtime API sent an event without its id")
        return invocation

    def respond(self, invocation: Invocation, body: bytes, kind: str = "application/json") -> tuple[int, bytes]:
        """Posts the answer to an event; status and body of the reply (202 is yes, 413 too large)."""
        extra = self._echo(invocation) if _OWN_ID in invocation.head else ""
        return self._post(f"/invocation/{invocation.id}/response", body, extra, kind)

    def fail(self, invocation: Invocation, error: bytes, kind: str, cause: bytes = b"") -> tuple[int, bytes]:
        """Posts an error in AWS's form, its type, and X-Ray's view of it."""
        extra = self._echo(invocation) + f"Lambda-Runtime-Function-Error-Type: {one_line(kind)}\r\n"
        if cause and len(cause) < _MAX_CAUSE:
            extra += f"Lambda-Runtime-Function-XRay-Error-Cause: {one_line(cause.decode('utf-8', 'replace'))}\r\n"
        return self._post(f"/invocation/{invocation.id}/error", error, extra)

    def fail_init(self, error: bytes, kind: str) -> tuple[int, bytes]:
        """Says that the function could not be started. The process should then exit."""
        return self._post("/init/error", error, f"Lambda-Runtime-Function-Error-Type: {one_line(kind)}\r\n")

    def restore_next(self) -> None:
        """Says that the snapshot may be taken, and returns in an environment restored from it (SnapStart)."""
        status, _, body = self._exchange(f"GET {_VERSION}/restore/next{self._tail}\r\n".encode())
        if status != 200:
            raise ConnectionLost(f"the Runtime API answered {status} to restore/next: {body!r}")

    def fail_restore(self, error: bytes, kind: str) -> tuple[int, bytes]:
        """Says that the function could not be restored. The process should then exit."""
        return self._post("/restore/error", error, f"Lambda-Runtime-Function-Error-Type: {one_line(kind)}\r\n")

    def stream_head(self, invocation: Invocation) -> bytes:
        """The head of a POST that brings an answer in chunks: the prelude, eight NULs, the body, trailers if it fails late."""
        head = f"POST {_VERSION}/invocation/{invocation.id}/response{self._tail}{_STREAM}{self._echo(invocation)}\r\n"
        return head.encode("latin-1", "replace")

    def connection(self) -> Socket:
        """The connection, for one who writes a request on it himself and then asks for its `reply`, or drops it."""
        if self._socket is None:
            if not self._ours:
                raise SystemExit(0)
            self._socket = self._connect()
        return self._socket

    def disown(self) -> None:
        """For a forked child: the connection is its parent's. A child that speaks all the same is ended (SystemExit)."""
        self.drop()
        self._ours = False

    def reply(self) -> tuple[int, bytes]:
        """Status and body of the reply to what was written on the connection. Raises OSError or ConnectionLost."""
        status, _, body = self._read(self.connection())
        return status, body

    def drop(self) -> None:
        """Gives the connection up; the next request makes a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @staticmethod
    def _echo(invocation: Invocation) -> str:
        own = invocation.header(_OWN_ID)
        return f"Lambda-Runtime-Invocation-Id: {own}\r\n" if own else ""

    def _post(self, path: str, body: bytes, extra: str, kind: str = "application/json") -> tuple[int, bytes]:
        head = f"POST {_VERSION}{path}{self._tail}Content-Type: {kind}\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
        status, _, answer = self._exchange(head.encode("latin-1", "replace"), body)
        return status, answer

    def _exchange(self, head: bytes, body: bytes = b"") -> tuple[int, str, bytes]:
        kept = self._socket
        try:
            connection = kept or self.connection()
            if len(body) < _CHUNK:
                connection.sendall(head + body)
            else:
                connection.sendall(head)
                connection.sendall(body)
            return self._read(connection)
        except (OSError, ConnectionLost):
            self.drop()
            if kept is None:
                raise
        # A kept connection may have been closed from the other side while the environment was frozen: once more, on a new one.
        return self._exchange(head, body)

    def _read(self, connection: Socket) -> tuple[int, str, bytes]:
        """Status, head and body of an answer. Interim answers (1xx) are passed over."""
        data = connection.recv(_CHUNK)
        while True:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                data += _receive(connection)
                continue
            head, data = str(data[: end + 2], "latin-1"), data[end + 4 :]
            if head[:7] != "HTTP/1." or not head[9:12].isdecimal():
                raise ConnectionLost(f"not HTTP: {head[:80]!r}")
            status = int(head[9:12])
            if status >= 200:
                break
        place = head.find(_LENGTH)
        if place < 0 or "\nConnection: close" in head:
            return status, head, self._read_unusual(connection, head, data)
        length = int(head[place + len(_LENGTH) : head.find("\r", place)])
        if len(data) != length:
            data = _read_rest(connection, data, length)
        return status, head, data

    def _read_unusual(self, connection: Socket, head: str, data: bytes) -> bytes:
        """The body, where the head has no Content-Length (in its usual spelling) or says that it is the last."""
        folded = _respell(head).lower()
        if "\ntransfer-encoding: chunked" in folded:
            data = _read_chunked(connection, data)
        else:
            data = _read_rest(connection, data, int(folded.partition(_LENGTH.lower())[2].partition("\r")[0] or 0))
        if "\nconnection: close" in folded:
            self.drop()
        return data

    def _connect(self) -> Socket:
        host = self.host.strip("[]")
        connection = Socket(AF_INET6 if ":" in host else AF_INET, SOCK_STREAM)
        try:
            connection.connect((host, self.port))
            connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        except OSError:
            connection.close()
            raise
        return connection


def _respell(head: str) -> str:
    """The head with its names in their usual spelling, as other servers than AWS's need not have it."""
    lines = [line.partition(":") for line in head.split("\r\n")]
    return "\r\n".join([f"{name.title()}: {value.strip()}" for name, _, value in lines])


def _read_rest(connection: Socket, rest: bytes, length: int) -> bytes:
    if len(rest) >= length:
        return rest[:length]
    body = bytearray(length)
    body[: len(rest)] = rest
    view, filled = memoryview(body), len(rest)
    while filled < length:
        count = connection.recv_into(view[filled:])
        if not count:
            raise ConnectionLost("the Runtime API hung up in the middle of an answer")
        filled += count
    view.release()
    return bytes(body)


def _read_chunked(connection: Socket, data: bytes) -> bytes:
    body: list[bytes] = []
    while True:
        while b"\r\n" not in data:
            data += _receive(connection)
        line, _, data = data.partition(b"\r\n")
        size = int(line.split(b";")[0], 16)
        while len(data) < size + 2:
            data += _receive(connection)
        if size == 0:  # trailers are not used by the Runtime API
            return b"".join(body)
        body.append(data[:size])
        data = data[size + 2 :]


def _receive(connection: Socket) -> bytes:
    data = connection.recv(_CHUNK)
    if not data:
        raise ConnectionLost("the Runtime API hung up")
    return data


def one_line(value: str) -> str:
    """A value that cannot break out of its header line."""
    return value.replace("\r", " ").replace("\n", " ")
