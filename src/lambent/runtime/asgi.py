"""Hosts an ASGI app on one event loop that lives as long as the execution environment.

Clients that belong to a loop (database pools, HTTP clients) therefore stay usable from request to request. A root task that
never ends keeps anyio's worker threads alive: anyio ties them to the task that `run_until_complete` was called with, which it
recognises by its callback.
"""

from __future__ import annotations

import asyncio

from .event_loop import EagerLoop, app_loop
from .host import Host
from .lifespan import Lifespan
from .request import unquote
from .response import ClientDisconnected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from .request import Request
    from .response import Response
    from .streaming import StreamingResponse

    Message = dict[str, Any]

_ASGI = {"version": "3.0", "spec_version": "2.4"}
_SHUTDOWN_S = 2.0
"""How long the app may take to shut down. Lambda kills the process 0.3 to 0.5 s after SIGTERM."""
_HOLD_S = 0.05
"""How long a complete 500 waits for its exception, which an app that raises one raises at once."""
_CACHE_MAX = 500  # clients can send any header name


class AsgiHost(Host):
    """Calls an ASGI app, one request after the other. `lifespan` is "auto", "on" or "off"."""

    def __init__(self, app: Any, lifespan: str = "auto") -> None:
        self._app = app
        self._lifespan = Lifespan(app, lifespan) if lifespan != "off" else None
        self._state: Message = {}
        self._loop = app_loop()
        self._names: dict[str, bytes] = {}

    def start(self) -> None:
        """Start the app up. Raise whatever its start-up raises."""
        asyncio.set_event_loop(self._loop)
        if isinstance(self._loop, EagerLoop):
            self._loop.adopt_generators()
        self._root = self._loop.create_task(_forever(self._loop))
        root_callback = getattr(asyncio.base_events, "_run_until_complete_cb", None)
        if root_callback is not None:
            self._root.add_done_callback(root_callback)
        if self._lifespan is not None:
            self._run(self._lifespan.start())
            self._state = self._lifespan.state

    def handle(self, request: Request, response: Response) -> None:
        """Answer one request; return when the app and its background work have finished. Raise the app's exception."""
        if response.streamed:
            self._stream(request, response)  # type: ignore[arg-type]  # `streamed` says so
        else:
            self._run(_call(self._app, self._scope(request), _Exchange(self._loop, request.body, response)), finishes=True)
        if not (response.ended or response.disconnected):
            missing = "completing its response" if response.started else "starting a response"
            raise RuntimeError(f"the ASGI app returned without {missing}")

    def _stream(self, request: Request, response: StreamingResponse) -> None:
        exchange = _StreamingExchange(self._loop, request.body, response)
        try:
            self._run(_call(self._app, self._scope(request), exchange), finishes=True)
        finally:
            exchange.release()

    def close(self) -> None:
        """Shut the app down and cancel what still runs on the loop."""
        try:
            if self._lifespan is not None:
                self._run(asyncio.wait_for(self._lifespan.stop(), _SHUTDOWN_S))
        finally:
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            if tasks:
                self._run(asyncio.wait(tasks, timeout=_SHUTDOWN_S))

    def _run(self, work: Coroutine[Any, Any, Any], *, finishes: bool = False) -> Any:
        """Drive the loop until `work` is done, in its own task and its own copy of the context.

        `finishes` says that `work` calls the eager loop's `finish` at its end.
        """
        loop = self._loop
        eager = loop if isinstance(loop, EagerLoop) else None
        if eager is not None and eager.has_waited():
            eager.catch_up()
        # Not run_until_complete: anyio would take this task for the root task and end its threads with it.
        task = loop.create_task(work) if eager is None else eager.step(work)
        if not task.done():
            if eager is None or not finishes:
                task.add_done_callback(_stop)
            while not task.done():  # the end of the root task, too, stops the loop
                loop.run_forever()
        if eager is not None and eager.is_busy():
            eager.catch_up()
        return task.result()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._run(work)

    def _scope(self, request: Request) -> Message:
        path, names = request.path, self._names
        try:
            headers = [(names[name], value.encode("ascii")) for name, value in request.headers]
        except (KeyError, UnicodeEncodeError):
            headers = self._headers(request)
        return {
            "type": "http",
            "asgi": _ASGI.copy(),
            "http_version": "2" if request.http_version == "2.0" else request.http_version,
            "method": request.method,
            "scheme": request.scheme,
            "path": unquote(path).decode("utf-8", "replace") if "%" in path else path,
            "raw_path": path.encode("ascii"),
            "query_string": request.query.encode("ascii"),
            "root_path": request.root_path,
            "headers": headers,
            "client": (request.client, 0) if request.client else None,
            "server": request.server,
            "state": self._state.copy(),
            "aws.event": request.event,
            "aws.context": request.context,
        }

    def _headers(self, request: Request) -> list[tuple[bytes, bytes]]:
        """Return the headers when a name is new or a value isn't ASCII."""
        headers = [(_bytes(name), _bytes(value)) for name, value in request.headers]
        if len(self._names) < _CACHE_MAX:
            self._names.update({name: _bytes(name) for name, _ in request.headers})
        return headers


class _Exchange:
    """The `receive` and `send` of one request."""

    def __init__(self, loop: asyncio.AbstractEventLoop, body: bytes, response: Response) -> None:
        self.loop = loop
        self._body: bytes | None = body
        self._response = response
        self._waiters: list[asyncio.Future[None]] = []

    async def receive(self) -> Message:
        """Return the whole body; after that, once the response is complete, the disconnect."""
        body = self._body
        if body is not None:
            self._body = None
            return {"type": "http.request", "body": body, "more_body": False}
        if not self._response.ended:
            waiter = self.loop.create_future()
            self._waiters.append(waiter)
            await waiter
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take a part of the response. The last part delivers it, while the app may go on working."""
        kind, response = message["type"], self._response
        if response.ended:
            raise RuntimeError(f"unexpected ASGI message {kind!r}, after response already completed")
        if not response.started:
            if kind != "http.response.start":
                raise RuntimeError(f"expected ASGI message 'http.response.start', but got {kind!r}")
            response.start(int(message["status"]), _strings(message.get("headers") or ()))
            return
        if kind != "http.response.body":
            raise RuntimeError(f"expected ASGI message 'http.response.body', but got {kind!r}")
        response.write(bytes(message.get("body") or b""))
        if not message.get("more_body"):
            if response.hold():
                self.release_soon()
            else:
                response.end()
            self.disconnect()

    def release_soon(self) -> None:
        """Deliver a held response if the app goes on working, with a background task, instead of raising its exception."""
        self.loop.call_later(_HOLD_S, self._response.release)

    def disconnect(self) -> None:
        """Wake up everything that waits for the disconnect."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)


class _StreamingExchange(_Exchange):
    """Sends parts as the app produces them. While the connection is full, `send` waits and the app's other tasks go on."""

    _response: StreamingResponse

    def __init__(self, loop: asyncio.AbstractEventLoop, body: bytes, response: StreamingResponse) -> None:
        super().__init__(loop, body, response)
        self._upload = response.upload
        self._blocked: list[asyncio.Future[None]] = []
        self._watched = -1

    async def receive(self) -> Message:
        """Return the body, then the disconnect: at the end of the response, or early if the client hangs up."""
        if self._body is None:
            if self._response.disconnected:
                return {"type": "http.disconnect"}
            self._watch()
        return await super().receive()

    async def send(self, message: Message) -> None:
        """Send a part. Raise ClientDisconnected once the client has hung up."""
        response = self._response
        if response.disconnected:
            raise ClientDisconnected("the client has hung up")
        if response.ended or not response.started or message["type"] != "http.response.body":
            await super().send(message)
            return
        hold = not message.get("more_body") and response.hold()
        more = hold or bool(message.get("more_body"))
        try:
            if not response.push(message.get("body") or b"", more=more):
                await self._drain()
        except ClientDisconnected:
            self.disconnect()
            raise
        if hold:
            self.release_soon()
        if hold or not more:
            self.disconnect()
        elif self._waiters:
            self._watch()

    def disconnect(self) -> None:
        self.release()
        super().disconnect()

    def release(self) -> None:
        """Stop watching the connection and wake up everything that waits for it."""
        if self._watched >= 0:
            self.loop.remove_reader(self._watched)
            self.loop.remove_writer(self._watched)
            self._watched = -1
        for waiter in self._blocked:
            if not waiter.done():
                waiter.set_result(None)
        self._blocked.clear()

    def _watch(self) -> None:
        """Let the loop watch for a disconnect, once the first part has been sent."""
        if self._watched < 0 and self._upload.opened and not self._response.ended:
            self._watched = self._upload.fileno()
            self.loop.add_reader(self._watched, self._check_reply)

    def _check_reply(self) -> None:
        try:
            self._upload.check_reply()
        except ClientDisconnected:
            self.disconnect()

    async def _drain(self) -> None:
        waiter = self.loop.create_future()
        self._blocked.append(waiter)
        self._watched = self._upload.fileno()
        self.loop.add_writer(self._watched, self._advance)
        await waiter
        if self._response.disconnected:
            raise ClientDisconnected("the client has hung up")

    def _advance(self) -> None:
        try:
            if self._upload.advance():
                self.release()
        except ClientDisconnected:
            self.disconnect()


async def _call(app: Any, scope: Message, exchange: _Exchange) -> None:
    try:
        await app(scope, exchange.receive, exchange.send)
    finally:
        exchange.disconnect()
        if isinstance(exchange.loop, EagerLoop):
            exchange.loop.finish()


async def _forever(loop: asyncio.AbstractEventLoop) -> None:
    await loop.create_future()


def _stop(task: asyncio.Future[Any]) -> None:
    task.get_loop().stop()


def _bytes(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")


def _strings(headers: Any) -> list[tuple[str, str]]:
    try:
        return [(name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t")) for name, value in headers]
    except AttributeError:  # str and memoryview, which servers accept too
        return [(_str(name).lower(), _str(value).strip(" \t")) for name, value in headers]


def _str(value: Any) -> str:
    return str(value, "latin-1") if isinstance(value, (bytes, bytearray, memoryview)) else value
