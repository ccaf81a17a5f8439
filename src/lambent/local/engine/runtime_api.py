"""The Runtime API of one environment: a small HTTP server on loopback that only its own processes may talk to.

It listens in the environment's own network, or else on this machine's loopback, where it looks who the client is.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html; error responses as in
aws/aws-lambda-runtime-interface-emulator (`internal/lambda/rapi`). It uses asyncio's protocols and httptools, since every
invocation passes through here twice. A streamed response goes into the invocation's ResponseStream while it arrives. If the
invocation was buffered, the response is collected first.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import re
import socket
from collections.abc import Callable
from typing import cast

import httptools
from msgspec import Struct

from lambent import limits
from lambent.local import host_check
from lambent.local.sandbox.sandbox import ProcessExit
from lambent.local.sandbox.socket_owner import Address
from lambent.loopback import is_loopback

from .response_stream import ResponseStream
from .runtime_events import EventKind, RuntimeEvent
from .runtime_states import IllegalTransition, State, Step, next_state, refused

_PREFIX = b"/2018-06-01/runtime/"
_INVOCATION = re.compile(rb"invocation/([^/]+)/(response|error)")
_ACCEPTED = b'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"status":"OK"}\n'
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_ERROR_TYPE = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")
_CONNECTIONS_MAX = 16  # a runtime needs one; others must not use up the service's open files
_WARM_START = (b"lambent/parent", b"lambent/exit", b"lambent/modules")
_EXIT = re.compile(rb"(status|signal) (\d{1,3})")
_MODES = (b"", b"buffered", b"streaming")


class NextInvocation(Struct, frozen=True):
    """The response to `GET invocation/next`. `headers` are encoded, without those of the connection."""

    request_id: str
    headers: bytes
    payload: bytes


def next_invocation(request_id: str, payload: bytes, headers: dict[str, str]) -> NextInvocation:
    """Encode the headers for the runtime. Empty ones are left out, and line ends within them become spaces."""
    lines = [f"{name}: {value}" for name, value in headers.items() if value]
    text = "".join(line.replace("\r", " ").replace("\n", " ") + "\r\n" for line in lines)
    return NextInvocation(request_id, text.encode("utf-8"), payload)


class _Request:
    def __init__(self) -> None:
        self.url = b""
        self.headers: dict[bytes, bytes] = {}
        self.body: list[bytes] = []
        self.size = 0
        self.stream: ResponseStream | None = None

    @property
    def is_from_a_page(self) -> bool:
        """Whether a browser sent it, or it is for another host name: a page's, through DNS rebinding."""
        host = self.headers.get(b"host", b"localhost").decode("latin-1")
        return b"origin" in self.headers or not is_loopback(host_check.hostname(host))

    @property
    def mode(self) -> bytes:
        return self.headers.get(b"lambda-runtime-function-response-mode", b"").lower()

    def error_type(self, family: str) -> str:
        text = self.headers.get(b"lambda-runtime-function-error-type", b"").decode("latin-1")
        return text if _ERROR_TYPE.fullmatch(text) else f"{family}.Unknown"

    def error_trailer(self) -> bytes:
        encoded = self.headers.get(b"lambda-runtime-function-error-body", b"")
        try:
            return base64.b64decode(encoded, validate=True)
        except binascii.Error:
            return encoded


class RuntimeApi:
    """Call `start` once, or set `address` and call `serve`; `restart` before each new runtime process, `send` for each event.

    `report` is called from the event loop with everything that the runtime does. `owns_client(client, server)` is whether the
    client's end of a connection belongs to this environment: another function's processes reach the same loopback address.
    """

    def __init__(self, report: Callable[[RuntimeEvent], None], owns_client: Callable[[Address, Address], bool]) -> None:
        self._report = report
        self.owns_client = owns_client
        self._server: asyncio.Server | None = None
        self._connections: dict[_Connection, None] = {}  # oldest first
        self._polling: _Connection | None = None
        self._parent: _Connection | None = None
        self._invocation: NextInvocation | None = None
        self._stream: ResponseStream | None = None
        self._disconnected = asyncio.Event()
        self.state = State.STARTED
        self.address = ""

    @property
    def polling(self) -> bool:
        """Whether the runtime is waiting for an event."""
        return self._polling is not None

    async def start(self) -> None:
        """Listen on a free loopback port and set `address` to its host:port."""
        self._server = await asyncio.get_running_loop().create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def serve(self, listener: socket.socket) -> None:
        """Accept the connections of a listener that only the environment's own processes can reach."""
        self.owns_client = lambda client, server: True
        if self._server is not None:
            self._server.close()
        self._server = await asyncio.get_running_loop().create_server(lambda: _Connection(self), sock=listener)

    def restart(self) -> None:
        """Forget the previous process, but not the parent of warm starts."""
        for connection in list(self._connections):
            if connection is not self._parent:
                connection.close()
        self._polling = self._invocation = self._stream = None
        self.state = State.STARTED

    def close(self) -> None:
        self._parent = None
        self.restart()
        if self._server is not None:
            self._server.close()

    async def wait_disconnected(self, timeout_s: float) -> None:
        """Wait until no connection is left, so that everything a process sent before it ended has been read."""
        if self._connections:
            self._disconnected.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._disconnected.wait(), timeout_s)

    def send(self, invocation: NextInvocation, stream: ResponseStream | None = None) -> None:
        """Send an event to the runtime. A streamed response will go into `stream`.

        Raises IllegalTransition if the runtime has not asked for an event.
        """
        if self._polling is None:
            raise IllegalTransition("the runtime has not asked for an event")
        self.state = next_state(self.state, Step.EVENT)
        self._invocation, self._stream = invocation, stream
        self._polling.send_invocation(invocation)
        self._polling = None

    @property
    def has_parent(self) -> bool:
        """Whether a parent of warm starts is waiting for a command."""
        return self._parent is not None

    def command(self, text: str) -> None:
        """Send a command to the parent of warm starts, which must be waiting for one."""
        assert self._parent is not None
        self._parent.send(_text(text))
        self._parent = None

    # What connections call:

    def on_connect(self, connection: _Connection) -> None:
        self._connections[connection] = None
        if len(self._connections) > _CONNECTIONS_MAX:
            oldest = next((each for each in self._connections if not each.admitted), connection)
            del self._connections[oldest]
            oldest.abort()

    def on_disconnect(self, connection: _Connection, request: _Request) -> None:
        """The connection was lost, perhaps while a streamed response was arriving."""
        if request.stream is not None and self.state is State.RESPONDING:
            self.state = next_state(self.state, Step.SENT)
            self._report(RuntimeEvent(EventKind.TRUNCATED))
        self._connections.pop(connection, None)
        if self._polling is connection:
            self._polling = None
        if self._parent is connection:
            self._parent = None
        if not self._connections:
            self._disconnected.set()

    def on_headers(self, method: bytes, request: _Request, transport: asyncio.ReadTransport) -> None:
        """If this is the streamed response to a streamed invocation, pass its body on as it arrives."""
        match = _INVOCATION.fullmatch(request.url.removeprefix(_PREFIX)) if method == b"POST" else None
        if self._stream is None or self._invocation is None or match is None or request.mode != b"streaming":
            return
        if match[2] != b"response" or match[1] != self._invocation.request_id.encode() or self.state is not State.RUNNING:
            return  # `on_request` refuses it
        self.state = next_state(self.state, Step.STREAM)
        request.stream, self._stream = self._stream, None
        request.stream.begin(request.headers.get(b"content-type", b"").decode("latin-1"), transport)

    def on_stream_too_large(self, connection: _Connection) -> None:
        """A streamed response has exceeded the limit: refuse it at once. What still arrives is discarded."""
        self.state = next_state(self.state, Step.SENT)
        self._refuse_too_large(connection, limits.STREAM_MAX)

    def on_request(self, connection: _Connection, method: bytes, request: _Request) -> None:
        """Respond to one complete request."""
        path = request.url.removeprefix(_PREFIX)
        try:
            if request.is_from_a_page:
                connection.send(_refusal(403, "Forbidden", "web pages can't use the Runtime API", "Forbidden"))
            elif method == b"GET" and path == b"invocation/next":
                self._next(connection)
            elif method == b"POST" and path == b"init/error":
                self.state = next_state(self.state, Step.INIT_ERROR)
                connection.send(_ACCEPTED)
                self._report(RuntimeEvent(EventKind.INIT_ERROR, b"".join(request.body), request.error_type("Runtime")))
            elif method == b"POST" and (match := _INVOCATION.fullmatch(path)):
                self._response(connection, match[1], match[2], request)
            elif method == b"POST" and path in _WARM_START:
                self._warm_start(connection, path, b"".join(request.body))
            else:
                connection.send(_refusal(404, "Not Found", "404 page not found", "NotFound"))
        except IllegalTransition as error:
            connection.send(_refusal(403, "Forbidden", str(error), "InvalidStateTransition"))

    def _next(self, connection: _Connection) -> None:
        if self._polling not in (None, connection):
            raise IllegalTransition(refused(self.state, Step.NEXT))  # or the event would go to the last one that asked
        self.state = next_state(self.state, Step.NEXT)
        self._polling = connection
        self._invocation = self._stream = None
        self._report(RuntimeEvent(EventKind.READY))

    def _response(self, connection: _Connection, request_id: bytes, kind: bytes, request: _Request) -> None:
        if self._invocation is None or request_id != self._invocation.request_id.encode():
            connection.send(_refusal(400, "Bad Request", "Invalid request ID", "InvalidRequestID"))
            return
        if request.mode not in _MODES:
            connection.send(_refusal(400, "Bad Request", "Invalid function response mode", "InvalidFunctionResponseMode"))
            return
        success = Step.SENT if request.stream is not None else Step.RESPONSE
        self.state = next_state(self.state, success if kind == b"response" else Step.ERROR)
        if request.stream is None and request.size > limits.PAYLOAD_MAX:
            self._refuse_too_large(connection, limits.PAYLOAD_MAX)
            return
        connection.send(_ACCEPTED)
        body = b"".join(request.body)
        if kind == b"error":
            self._report(RuntimeEvent(EventKind.ERROR, body, request.error_type("Function")))
        elif b"lambda-runtime-function-error-type" in request.headers:  # a trailer: it failed after the response had begun
            self._report(RuntimeEvent(EventKind.ERROR, request.error_trailer(), request.error_type("Function")))
        else:
            self._report(RuntimeEvent(EventKind.RESPONSE, body))

    def _warm_start(self, connection: _Connection, path: bytes, body: bytes) -> None:
        """Take a message of the parent of warm starts, or of a process that it has forked."""
        if path == b"lambent/parent":
            self._parent = connection
            self._report(RuntimeEvent(EventKind.PARENT, body))
            return
        connection.send(_text(""))
        if path == b"lambent/modules":
            self._report(RuntimeEvent(EventKind.MODULES, body))
        elif match := _EXIT.fullmatch(body):
            number, is_signal = int(match[2]), match[1] == b"signal"
            exit = ProcessExit(None, number) if is_signal else ProcessExit(number, None)
            self._report(RuntimeEvent(EventKind.EXITED, exit=exit))

    def _refuse_too_large(self, connection: _Connection, limit: int) -> None:
        message = f"Exceeded maximum allowed payload size ({limit} bytes)."
        connection.send(_refusal(413, "Request Entity Too Large", message, "RequestEntityTooLarge"))
        self._report(RuntimeEvent(EventKind.TOO_LARGE, limit=limit))


def _text(text: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()


def _refusal(status: int, reason: str, message: str, error_type: str) -> bytes:
    body = json.dumps({"errorMessage": message, "errorType": error_type}).encode()
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, api: RuntimeApi) -> None:
        self._api = api
        self.admitted = False
        self._transport: asyncio.Transport | None = None
        self._request = _Request()
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._api.on_connect(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._api.on_disconnect(self, self._request)

    def data_received(self, data: bytes) -> None:
        if not self.admitted and not self._admit():
            self.send(_refusal(403, "Forbidden", "only the environment's own processes may use its Runtime API", "Forbidden"))
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.send(_refusal(400, "Bad Request", f"not HTTP: {error}", "BadRequest"))
            self.close()

    def _admit(self) -> bool:
        if self._transport is None:
            return False
        client, server = (self._transport.get_extra_info(name) for name in ("peername", "sockname"))
        self.admitted = self._api.owns_client(client, server)
        return self.admitted

    def send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def send_invocation(self, invocation: NextInvocation) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n"
        self.send(head % (len(invocation.payload), invocation.headers) + invocation.payload)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # What httptools calls:

    def on_message_begin(self) -> None:
        self._request = _Request()

    def on_url(self, url: bytes) -> None:
        self._request.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._request.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        if self._request.headers.get(b"expect", b"").lower() == b"100-continue":
            self.send(_CONTINUE)
        if self._transport is not None:
            self._api.on_headers(self._parser.get_method(), self._request, self._transport)

    def on_body(self, body: bytes) -> None:
        request = self._request
        request.size += len(body)
        if request.stream is not None:
            before = request.size - len(body)
            if request.size <= limits.STREAM_MAX:
                request.stream.write(body)
            elif before <= limits.STREAM_MAX:
                request.stream.write(body[: limits.STREAM_MAX - before])
                request.stream.close()
                self._api.on_stream_too_large(self)
        elif request.size <= limits.PAYLOAD_MAX:
            request.body.append(body)

    def on_message_complete(self) -> None:
        request, self._request = self._request, _Request()
        if request.stream is not None and request.size > limits.STREAM_MAX:
            return  # it was refused already
        self._api.on_request(self, self._parser.get_method(), request)
