"""A client of the Runtime API: one keep-alive connection, made and read by hand.

Wire form: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. `http.client` would cost 38 ms of imports and three
times the CPU per event. A Python-level recv lets signal handlers run, so waiting for the next event needs no thread.
"""

from __future__ import annotations

import sys
from _socket import AF_INET, AF_INET6, IPPROTO_TCP, SOCK_STREAM, TCP_NODELAY
from _socket import socket as Socket

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
    """One event as it came: its raw body and the headers that say whose it is (names in lower case)."""

    __slots__ = ("body", "headers", "id")

    def __init__(self, headers: dict[str, str], body: bytes) -> None:
        self.headers = headers
        self.body = body
        self.id = headers["lambda-runtime-aws-request-id"]


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
        status, headers, body = self._exchange(self._next)
        if status != 200:
            raise ConnectionLost(f"the Runtime API answered {status} to next: {body!r}")
        return Invocation(headers, body)

    def respond(self, invocation: Invocation, body: bytes, kind: str = "application/json") -> tuple[int, bytes]:
        """Posts the answer to an event; status and body of the reply (202 is yes, 413 too large)."""
        return self._post(f"/invocation/{invocation.id}/response", body, self._echo(invocation), kind)

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
        connection = self.connection()
        status, headers, rest = _read_head(connection)
        body = _read_body(connection, headers, rest)
        if headers.get("connection", "").lower() == "close":
            self.drop()
        return status, body

    def drop(self) -> None:
        """Gives the connection up; the next request makes a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @staticmethod
    def _echo(invocation: Invocation) -> str:
        own = invocation.headers.get("lambda-runtime-invocation-id")
        return f"Lambda-Runtime-Invocation-Id: {own}\r\n" if own else ""

    def _post(self, path: str, body: bytes, extra: str, kind: str = "application/json") -> tuple[int, bytes]:
        head = f"POST {_VERSION}{path}{self._tail}Content-Type: {kind}\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
        status, _, answer = self._exchange(head.encode("latin-1", "replace"), body)
        return status, answer

    def _exchange(self, head: bytes, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        fresh = self._socket is None
        try:
            return self._once(head, body)
        except (OSError, ConnectionLost):
            self.drop()
            if fresh:
                raise
        # A kept connection may have been closed from the other side while the environment was frozen: once more, on a new one.
        return self._once(head, body)

    def _once(self, head: bytes, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = self._socket or self.connection()
        if len(body) < _CHUNK:
            connection.sendall(head + body)
        else:
            connection.sendall(head)
            connection.sendall(body)
        status, headers, rest = _read_head(connection)
        answer = _read_body(connection, headers, rest)
        if headers.get("connection", "").lower() == "close":
            self.drop()
        return status, headers, answer

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


def _read_head(connection: Socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (lower-case names), and what was read beyond them. Interim answers (1xx) are passed over."""
    data = b""
    while True:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            data += _receive(connection)
            continue
        lines = data[:end].decode("latin-1").split("\r\n")
        data = data[end + 4 :]
        words = lines[0].split(" ", 2)
        if not words[0].startswith("HTTP/1.") or len(words) < 2:
            raise ConnectionLost(f"not HTTP: {lines[0]!r}")
        status = int(words[1])
        if status >= 200:
            break
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return status, headers, data


def _read_body(connection: Socket, headers: dict[str, str], rest: bytes) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _read_chunked(connection, rest)
    length = int(headers.get("content-length", "0"))
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
