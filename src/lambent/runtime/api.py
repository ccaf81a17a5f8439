"""A client of the Runtime API: one keep-alive connection, with HTTP written and parsed by hand.

Wire form: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. `http.client` takes 38 ms to import and three
times the CPU per event. Signal handlers run during a Python-level recv, so waiting for the next event needs no thread.
"""

from __future__ import annotations

import sys
from _socket import AF_INET, AF_INET6, IPPROTO_TCP, SOCK_STREAM, TCP_NODELAY
from _socket import socket as Socket

# Header names as they appear in a head. Few are needed, so searching for them is faster than parsing the head.
_ID = "\nLambda-Runtime-Aws-Request-Id: "
TENANT = "\nLambda-Runtime-Aws-Tenant-Id: "
DEADLINE = "\nLambda-Runtime-Deadline-Ms: "
CLIENT_CONTEXT = "\nLambda-Runtime-Client-Context: "
_INVOCATION_ID = "\nLambda-Runtime-Invocation-Id: "
_LENGTH = "\nContent-Length: "
_VERSION = "/2018-06-01/runtime"
_CHUNK = 65536
# AWS's own client omits the header above this size (lambda_runtime_client.py, post_invocation_error).
_MAX_CAUSE = 1024 * 1024
# https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
_HTTP_RESPONSE = "application/vnd.awslambda.http-integration-response"
_STREAM_HEADERS = (
    "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
    "Transfer-Encoding: chunked\r\n"
    "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n"
)


class ConnectionLost(Exception):
    """The Runtime API closed the connection or does not speak HTTP."""


class Invocation:
    """One event: its raw body, and the HTTP head with its metadata."""

    __slots__ = ("body", "head", "id")

    def __init__(self, head: str, body: bytes) -> None:
        self.head = head if _ID in head else _title_case_names(head)
        self.body = body
        self.id = self.header(_ID)

    def header(self, field: str) -> str:
        """Return the value of a header, or "". `field` is its name between a line break and ": "."""
        start = self.head.find(field)
        if start < 0:
            return ""
        start += len(field)
        return self.head[start : self.head.find("\r", start)]


class RuntimeApi:
    """Talks to `address`, the "host:port" in AWS_LAMBDA_RUNTIME_API. Not thread-safe."""

    def __init__(self, address: str) -> None:
        self.host, _, port = address.rpartition(":")
        self.port = int(port)
        self._socket: Socket | None = None
        self._owned = True
        version = ".".join(map(str, sys.version_info[:3]))
        self._tail = f" HTTP/1.1\r\nHost: {address}\r\nUser-Agent: lambent-runtime/{version}\r\n"
        self._next = f"GET {_VERSION}/invocation/next{self._tail}\r\n".encode()

    def next(self) -> Invocation:
        """Wait, without a time limit, for the next event."""
        status, head, body = self._exchange(self._next)
        if status != 200:
            raise ConnectionLost(f"the Runtime API answered {status} to next: {body!r}")
        invocation = Invocation(head, body)
        if not invocation.id:
            raise ConnectionLost("the Runtime API sent an event without its id")
        return invocation

    def respond(self, invocation: Invocation, body: bytes, kind: str = "application/json") -> tuple[int, bytes]:
        """Post the response to an event. Return status and body of the reply: 202 for accepted, 413 for too large."""
        extra = self._echo(invocation) if _INVOCATION_ID in invocation.head else ""
        return self._post(f"/invocation/{invocation.id}/response", body, extra, kind)

    def fail(self, invocation: Invocation, error: bytes, kind: str, cause: bytes = b"") -> tuple[int, bytes]:
        """Post an error in AWS's form with its type, and its cause in X-Ray's form."""
        extra = self._echo(invocation) + f"Lambda-Runtime-Function-Error-Type: {one_line(kind)}\r\n"
        if cause and len(cause) < _MAX_CAUSE:
            extra += f"Lambda-Runtime-Function-XRay-Error-Cause: {one_line(cause.decode('utf-8', 'replace'))}\r\n"
        return self._post(f"/invocation/{invocation.id}/error", error, extra)

    def fail_init(self, error: bytes, kind: str) -> tuple[int, bytes]:
        """Report that the function could not be started. The process should then exit."""
        return self._post("/init/error", error, f"Lambda-Runtime-Function-Error-Type: {one_line(kind)}\r\n")

    def message(self, path: str, text: bytes) -> bytes:
        """Post a message that only the local Lambda understands, and return its reply. Raise ConnectionLost if it refuses."""
        status, reply = self._post(path, text, "", "text/plain")
        if status >= 300:
            raise ConnectionLost(f"the Runtime API answered {status} to {path}: {reply!r}")
        return reply

    def restore_next(self) -> None:
        """Report that the snapshot can be taken (SnapStart). Returns in an environment restored from it."""
        status, _, body = self._exchange(f"GET {_VERSION}/restore/next{self._tail}\r\n".encode())
        if status != 200:
            raise ConnectionLost(f"the Runtime API answered {status} to restore/next: {body!r}")

    def fail_restore(self, error: bytes, kind: str) -> tuple[int, bytes]:
        """Report that the function could not be restored. The process should then exit."""
        return self._post("/restore/error", error, f"Lambda-Runtime-Function-Error-Type: {one_line(kind)}\r\n")

    def stream_head(self, invocation: Invocation, kind: str = _HTTP_RESPONSE) -> bytes:
        """Return the head of a POST that streams a response, and trailers after a late failure.

        An HTTP response is its prelude, eight NULs and its body.
        """
        head = f"POST {_VERSION}/invocation/{invocation.id}/response{self._tail}Content-Type: {kind}\r\n{_STREAM_HEADERS}"
        head += f"{self._echo(invocation)}\r\n"
        return head.encode("latin-1", "replace")

    def connection(self) -> Socket:
        """Return the connection, to write a request on it and then call `reply` or `drop`."""
        if self._socket is None:
            if not self._owned:
                raise SystemExit(0)
            self._socket = self._connect()
        return self._socket

    def disown(self) -> None:
        """Give up the connection in a forked child: it belongs to the parent. A child that uses the API exits (SystemExit)."""
        self.drop()
        self._owned = False

    def reply(self) -> tuple[int, bytes]:
        """Return status and body of the reply to the request on the connection. Raise OSError or ConnectionLost."""
        status, _, body = self._read(self.connection())
        return status, body

    def drop(self) -> None:
        """Close the connection; the next request opens a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @staticmethod
    def _echo(invocation: Invocation) -> str:
        value = invocation.header(_INVOCATION_ID)
        return f"Lambda-Runtime-Invocation-Id: {value}\r\n" if value else ""

    def _post(self, path: str, body: bytes, extra: str, kind: str = "application/json") -> tuple[int, bytes]:
        head = f"POST {_VERSION}{path}{self._tail}Content-Type: {kind}\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
        status, _, reply = self._exchange(head.encode("latin-1", "replace"), body)
        return status, reply

    def _exchange(self, head: bytes, body: bytes = b"") -> tuple[int, str, bytes]:
        reused = self._socket
        try:
            connection = reused or self.connection()
            if len(body) < _CHUNK:
                connection.sendall(head + body)
            else:
                connection.sendall(head)
                connection.sendall(body)
            return self._read(connection)
        except (OSError, ConnectionLost):
            self.drop()
            if reused is None:
                raise
        # The other side may have closed the connection while the environment was frozen: try once more on a new one.
        return self._exchange(head, body)

    def _read(self, connection: Socket) -> tuple[int, str, bytes]:
        """Return status, head and body of a reply. Interim replies (1xx) are skipped."""
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
        position = head.find(_LENGTH)
        if position < 0 or "\nConnection: close" in head:
            return status, head, self._read_other(connection, head, data)
        length = int(head[position + len(_LENGTH) : head.find("\r", position)])
        if len(data) != length:
            data = _read_rest(connection, data, length)
        return status, head, data

    def _read_other(self, connection: Socket, head: str, data: bytes) -> bytes:
        """Read a body whose head has no Content-Length in its usual spelling, or says "Connection: close"."""
        folded = _title_case_names(head).lower()
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


def _title_case_names(head: str) -> str:
    """Return the head with header names in their usual case, which servers other than AWS's may not use."""
    lines = [line.partition(":") for line in head.split("\r\n")]
    return "\r\n".join([f"{name.title()}: {value.strip()}" for name, _, value in lines])


def _read_rest(connection: Socket, start: bytes, length: int) -> bytes:
    if len(start) >= length:
        return start[:length]
    body = bytearray(length)
    body[: len(start)] = start
    view, filled = memoryview(body), len(start)
    while filled < length:
        count = connection.recv_into(view[filled:])
        if not count:
            raise ConnectionLost("the Runtime API closed the connection in the middle of a reply")
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
        if size == 0:  # the Runtime API sends no trailers
            return b"".join(body)
        body.append(data[:size])
        data = data[size + 2 :]


def _receive(connection: Socket) -> bytes:
    data = connection.recv(_CHUNK)
    if not data:
        raise ConnectionLost("the Runtime API closed the connection")
    return data


def one_line(value: str) -> str:
    """Return the value without line breaks, so that it stays in its header line."""
    return value.replace("\r", " ").replace("\n", " ")
