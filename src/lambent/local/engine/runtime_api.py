"""The Runtime API of one environment: a small HTTP server on loopback that only its runtime process talks to.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html; refusals as in aws/aws-lambda-runtime-interface-emulator
(`internal/lambda/rapi`). Written on asyncio's protocols with httptools, since every invocation passes here twice.
A response in streaming mode goes into the invocation's channel while it comes; without a channel it is read to its end.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import re
from typing import Protocol, cast

import httptools
from msgspec import Struct, field

from lambent import limits

from .response_stream import Channel
from .runtime_states import IllegalStep, State, Step, after

_PREFIX = b"/2018-06-01/runtime/"
_INVOCATION = re.compile(rb"invocation/([^/]+)/(response|error)")
_ACCEPTED = b'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"status":"OK"}\n'
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_ERROR_TYPE = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")
_MODES = (b"", b"buffered", b"streaming")


class Event(Struct, frozen=True):
    """What `next` answers: the headers without the connection's own, and the payload."""

    request_id: str
    headers: bytes
    payload: bytes


def make_event(request_id: str, payload: bytes, headers: dict[str, str]) -> Event:
    """`headers` as the runtime gets them; empty ones are left out, and line ends in them too."""
    lines = [f"{name}: {value}" for name, value in headers.items() if value]
    text = "".join(line.replace("\r", " ").replace("\n", " ") + "\r\n" for line in lines)
    return Event(request_id, text.encode("utf-8"), payload)


class Listener(Protocol):
    """What the environment wants to know. Called from the event loop."""

    def on_ready(self) -> None: ...
    def on_response(self, payload: bytes) -> None: ...
    def on_too_large(self) -> None: ...
    def on_error(self, payload: bytes, error_type: str) -> None: ...
    def on_init_error(self, payload: bytes, error_type: str) -> None: ...
    def on_truncated(self) -> None:
        """The runtime hung up in the middle of a streamed response."""
        ...


class _Request(Struct):
    url: bytes = b""
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: list[bytes] = field(default_factory=list)
    size: int = 0
    channel: Channel | None = None


class RuntimeApi:
    """`start`, then `restart` before each new runtime process, `hand` for each event."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._waiting: _Connection | None = None
        self._event: Event | None = None
        self._channel: Channel | None = None
        self._nobody = asyncio.Event()
        self.state = State.STARTED
        self.address = ""

    @property
    def listening(self) -> bool:
        """Whether the runtime waits for an event."""
        return self._waiting is not None

    async def start(self) -> None:
        """Listens on a free port of loopback; `address` is then its host:port."""
        self._server = await asyncio.get_running_loop().create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def restart(self) -> None:
        """Forgets the old process."""
        for connection in list(self._connections):
            connection.close()
        self._waiting = self._event = self._channel = None
        self.state = State.STARTED

    def close(self) -> None:
        self.restart()
        if self._server is not None:
            self._server.close()

    async def hung_up(self, within_s: float) -> None:
        """Waits until no connection is left, so that all of what a process said before its end has been read."""
        if self._connections:
            self._nobody.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._nobody.wait(), within_s)

    def hand(self, event: Event, channel: Channel | None = None) -> None:
        """Gives an event to the runtime, which has asked for it; a streamed response will go into `channel`.

        Raises IllegalStep when it has not asked.
        """
        if self._waiting is None:
            raise IllegalStep("the runtime has not asked for an event")
        self.state = after(self.state, Step.EVENT)
        self._event, self._channel = event, channel
        self._waiting.send_event(event)
        self._waiting = None

    def opened(self, connection: _Connection) -> None:
        self._connections.add(connection)

    def closed(self, connection: _Connection) -> None:
        self._connections.discard(connection)
        if self._waiting is connection:
            self._waiting = None
        if not self._connections:
            self._nobody.set()

    def begin(self, connection: _Connection, method: bytes, request: _Request) -> None:
        """The head of a request: if it begins the streamed response to a streamed invocation, its body goes on as it comes."""
        found = _INVOCATION.fullmatch(request.url.removeprefix(_PREFIX)) if method == b"POST" else None
        if self._channel is None or self._event is None or found is None or _mode(request) != b"streaming":
            return
        if found[2] != b"response" or found[1] != self._event.request_id.encode() or self.state is not State.RUNNING:
            return  # refused when all of it is there
        self.state = after(self.state, Step.STREAM)
        request.channel, self._channel = self._channel, None
        request.channel.begin(request.headers.get(b"content-type", b"").decode("latin-1"), connection)

    def oversized(self, connection: _Connection) -> None:
        """A streamed response has passed the limit: the runtime is told at once, and what still comes is thrown away."""
        self.state = after(self.state, Step.SENT)
        self._too_large(connection, limits.STREAM_MAX)

    def _too_large(self, connection: _Connection, limit: int) -> None:
        said = f"Exceeded maximum allowed payload size ({limit} bytes)."
        connection.send(_refusal(413, "Request Entity Too Large", said, "RequestEntityTooLarge"))
        self._listener.on_too_large()

    def truncated(self, request: _Request) -> None:
        """The connection was lost while a streamed response was coming."""
        if request.channel is not None and self.state is State.RESPONDING:
            self.state = after(self.state, Step.SENT)
            self._listener.on_truncated()

    def answer(self, connection: _Connection, method: bytes, request: _Request) -> None:
        """One whole request."""
        path = request.url.removeprefix(_PREFIX)
        try:
            if method == b"GET" and path == b"invocation/next":
                self._next(connection)
            elif method == b"POST" and path == b"init/error":
                self.state = after(self.state, Step.INIT_ERROR)
                connection.send(_ACCEPTED)
                self._listener.on_init_error(b"".join(request.body), _error_type(request, "Runtime"))
            elif method == b"POST" and (found := _INVOCATION.fullmatch(path)):
                self._result(connection, found[1], found[2], request)
            else:
                connection.send(_refusal(404, "Not Found", "404 page not found", "NotFound"))
        except IllegalStep as error:
            connection.send(_refusal(403, "Forbidden", str(error), "InvalidStateTransition"))

    def _next(self, connection: _Connection) -> None:
        self.state = after(self.state, Step.NEXT)
        self._waiting = connection
        self._event = self._channel = None
        self._listener.on_ready()

    def _result(self, connection: _Connection, request_id: bytes, kind: bytes, request: _Request) -> None:
        if self._event is None or request_id != self._event.request_id.encode():
            connection.send(_refusal(400, "Bad Request", "Invalid request ID", "InvalidRequestID"))
            return
        if _mode(request) not in _MODES:
            connection.send(_refusal(400, "Bad Request", "Invalid function response mode", "InvalidFunctionResponseMode"))
            return
        streamed = Step.SENT if request.channel is not None else Step.RESPONSE
        self.state = after(self.state, streamed if kind == b"response" else Step.ERROR)
        if request.channel is None and request.size > limits.PAYLOAD_MAX:
            self._too_large(connection, limits.PAYLOAD_MAX)
            return
        connection.send(_ACCEPTED)
        body = b"".join(request.body)
        if kind == b"error":
            self._listener.on_error(body, _error_type(request, "Function"))
        elif b"lambda-runtime-function-error-type" in request.headers:  # a trailer: it failed on the way
            self._listener.on_error(_error_trailer(request), _error_type(request, "Function"))
        else:
            self._listener.on_response(body)


def _mode(request: _Request) -> bytes:
    return request.headers.get(b"lambda-runtime-function-response-mode", b"").lower()


def _error_type(request: _Request, family: str) -> str:
    said = request.headers.get(b"lambda-runtime-function-error-type", b"").decode("latin-1")
    return said if _ERROR_TYPE.fullmatch(said) else f"{family}.Unknown"


def _error_trailer(request: _Request) -> bytes:
    encoded = request.headers.get(b"lambda-runtime-function-error-body", b"")
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return encoded


def _refusal(status: int, reason: str, message: str, error_type: str) -> bytes:
    body = json.dumps({"errorMessage": message, "errorType": error_type}).encode()
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, api: RuntimeApi) -> None:
        self._api = api
        self._transport: asyncio.Transport | None = None
        self._request = _Request()
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._api.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._api.truncated(self._request)
        self._api.closed(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.send(_refusal(400, "Bad Request", f"not HTTP: {error}", "BadRequest"))
            self.close()

    def send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def send_event(self, event: Event) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n"
        self.send(head % (len(event.payload), event.headers) + event.payload)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def pause(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

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
        self._api.begin(self, self._parser.get_method(), self._request)

    def on_body(self, body: bytes) -> None:
        request = self._request
        request.size += len(body)
        if request.channel is not None:
            before = request.size - len(body)
            if request.size <= limits.STREAM_MAX:
                request.channel.put(body)
            elif before <= limits.STREAM_MAX:
                request.channel.put(body[: limits.STREAM_MAX - before])
                request.channel.close()
                self._api.oversized(self)
        elif request.size <= limits.PAYLOAD_MAX:
            request.body.append(body)

    def on_message_complete(self) -> None:
        request, self._request = self._request, _Request()
        if request.channel is not None and request.size > limits.STREAM_MAX:
            return  # answered already
        self._api.answer(self, self._parser.get_method(), request)
