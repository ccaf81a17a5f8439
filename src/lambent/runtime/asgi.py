"""Hosts an ASGI app on one event loop that lives as long as the execution environment.

Clients that belong to a loop (database pools, HTTP clients) therefore stay usable from request to request. A root task that
never ends keeps anyio's worker threads: anyio ties them to the task `run_until_complete` was called with, which it knows by its
callback.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import Task, _set_running_loop
from selectors import DefaultSelector

from .lifespan import Lifespan
from .reply import Gone
from .request import unquote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context
    from selectors import SelectorKey
    from typing import Any

    from .reply import Answer
    from .request import Request
    from .streamed import StreamedAnswer

Message = dict[str, "Any"]

_ASGI = {"version": "3.0", "spec_version": "2.4"}
_CLOSE = 2.0
"""Seconds the app has for its shutdown. Lambda itself gives 0.3 to 0.5 after SIGTERM, and then kills."""
_MOST_NAMES = 500  # a client may send headers of any names it likes
_DEAF = 20  # rounds of the loop
_EAGER = sys.version_info >= (3, 12)


class _Selector(DefaultSelector):
    """Does not ask the kernel while there is work to do and nothing to listen to but the loop's own wake-up call.

    An app that waits for a thread goes through the loop four times, and would ask each time. The call is heard at the latest
    after `_DEAF` rounds, for handlers of signals.
    """

    _skipped = 0

    def __init__(self) -> None:
        super().__init__()
        self._watched = self.get_map()

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout == 0 and self._skipped < _DEAF and len(self._watched) == 1:
            self._skipped += 1
            return []
        self._skipped = 0
        return super().select(timeout)


class _EagerLoop(asyncio.SelectorEventLoop):
    """Takes the first step of a task at once. Most requests need no second one, and then never touch the selector.

    What it rests on is made for those who write event loops: `_set_running_loop` (documented in asyncio's source as such) and
    tasks with `eager_start` (3.12), which ask the loop whether it runs. Before 3.12 a task hands its first step to `call_soon`
    as it is made; there it is caught.
    """

    _stepping = False

    def __init__(self) -> None:
        super().__init__(_Selector())

    def is_running(self) -> bool:
        return self._stepping or super().is_running()

    def adopt_generators(self) -> None:
        """Has the loop close what asynchronous generators of this thread are left, in first steps too. Once is enough."""
        sys.set_asyncgen_hooks(firstiter=self._asyncgen_firstiter_hook, finalizer=self._asyncgen_finalizer_hook)  # type: ignore[attr-defined]

    def step(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task for `work`, in a copy of the context of its own, that has taken its first step."""
        _set_running_loop(self)
        self._stepping = True
        try:
            if _EAGER:
                return Task(work, loop=self, eager_start=True)  # type: ignore[call-arg,unused-ignore]
            return self._step_by_hand(work)
        finally:
            self._stepping = False
            _set_running_loop(None)

    def _step_by_hand(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        first: list[tuple[Context, Callable[[], object]]] = []

        def catch(step: Callable[[], object], *, context: Context) -> None:
            first.append((context, step))

        self.call_soon = catch  # type: ignore[method-assign,assignment]
        try:
            task = Task(work, loop=self)
        finally:
            del self.call_soon
        own, step = first[0]  # the task's own copy of the context: later steps are taken in it
        own.run(step)
        return task

    def finish(self) -> None:
        """To be called in the last step of what `step` began: the loop then stops with it, and not a round later."""
        if not self._stepping:
            self.stop()

    def busy(self) -> bool:
        """Are there callbacks that wait for their turn, such as the first step of a task the app made?"""
        return bool(self._ready)  # type: ignore[attr-defined]


class AsgiHost:
    """Calls an ASGI app, one request after the other. `lifespan` is "auto", "on" or "off"."""

    def __init__(self, app: Any, lifespan: str = "auto") -> None:
        self._app = app
        self._lifespan = Lifespan(app, lifespan) if lifespan != "off" else None
        self._state: Message = {}
        self._loop = _current_loop() or _EagerLoop()
        self._names: dict[str, bytes] = {}

    def start(self) -> None:
        """Starts the app up. Raises what its start-up raised."""
        asyncio.set_event_loop(self._loop)
        if isinstance(self._loop, _EagerLoop):
            self._loop.adopt_generators()
        self._root = self._loop.create_task(_forever(self._loop))
        mark = getattr(asyncio.base_events, "_run_until_complete_cb", None)
        if mark is not None:
            self._root.add_done_callback(mark)
        if self._lifespan is not None:
            self._run(self._lifespan.start())
            self._state = self._lifespan.state

    def handle(self, request: Request, answer: Answer) -> None:
        """Answers one request; returns when the app and its background work are done with it. The app's exception goes on."""
        if answer.streamed:
            self._stream(request, answer)  # type: ignore[arg-type]  # what `streamed` says
        else:
            self._run(_call(self._app, self._scope(request), _Exchange(self._loop, request.body, answer)), finishes=True)
        if not (answer.ended or answer.gone):
            half = "completing its response" if answer.started else "starting a response"
            raise RuntimeError(f"the ASGI app returned without {half}")

    def _stream(self, request: Request, answer: StreamedAnswer) -> None:
        exchange = _StreamedExchange(self._loop, request.body, answer)
        try:
            self._run(_call(self._app, self._scope(request), exchange), finishes=True)
        finally:
            exchange.release()

    def close(self) -> None:
        """Shuts the app down and ends what still runs on the loop."""
        try:
            if self._lifespan is not None:
                self._run(asyncio.wait_for(self._lifespan.stop(), _CLOSE))
        finally:
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            if left:
                self._run(asyncio.wait(left, timeout=_CLOSE))

    def _run(self, work: Coroutine[Any, Any, Any], *, finishes: bool = False) -> Any:
        """Drives the loop until `work` is done, in a task and a copy of the context of its own.

        `finishes`: it calls an eager loop's `finish` when it is.
        """
        loop = self._loop
        eager = loop if isinstance(loop, _EagerLoop) else None
        # Not run_until_complete: anyio would take this task for the root and end its threads with it.
        task = loop.create_task(work) if eager is None else eager.step(work)
        if not task.done():
            if eager is None or not finishes:
                task.add_done_callback(_stop)
            while not task.done():  # the end of the root task, too, stops the loop
                loop.run_forever()
        if eager is not None and eager.busy():
            loop.stop()
            loop.run_forever()
        return task.result()

    run = _run  # for what runs beside the app on its loop (events.py)

    def _scope(self, request: Request) -> Message:
        path, known = request.path, self._names
        try:
            headers = [(known[name], value.encode("ascii")) for name, value in request.headers]
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
        """The headers, where a name is new or a value is not ASCII."""
        headers = [(_bytes(name), _bytes(value)) for name, value in request.headers]
        if len(self._names) < _MOST_NAMES:
            self._names.update({name: _bytes(name) for name, _ in request.headers})
        return headers


class _Exchange:
    """receive and send of one request."""

    def __init__(self, loop: asyncio.AbstractEventLoop, body: bytes, answer: Answer) -> None:
        self.loop = loop
        self._body: bytes | None = body
        self._answer = answer
        self._waiters: list[asyncio.Future[None]] = []

    async def receive(self) -> Message:
        """The whole body, then, once the answer is complete and not before, the disconnect."""
        body = self._body
        if body is not None:
            self._body = None
            return {"type": "http.request", "body": body, "more_body": False}
        if not self._answer.ended:
            waiter = self.loop.create_future()
            self._waiters.append(waiter)
            await waiter
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Takes the answer; its last part delivers it, while the app may go on working."""
        kind, answer = message["type"], self._answer
        if answer.ended:
            raise RuntimeError(f"unexpected ASGI message {kind!r}, after response already completed")
        if not answer.started:
            if kind != "http.response.start":
                raise RuntimeError(f"expected ASGI message 'http.response.start', but got {kind!r}")
            answer.start(int(message["status"]), _strings(message.get("headers") or ()))
            return
        if kind != "http.response.body":
            raise RuntimeError(f"expected ASGI message 'http.response.body', but got {kind!r}")
        answer.write(bytes(message.get("body") or b""))
        if not message.get("more_body"):
            answer.end()
            self.disconnect()

    def disconnect(self) -> None:
        """Wakes whoever waits for the client to go."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)


class _StreamedExchange(_Exchange):
    """Parts leave as the app sends them. While the connection is full `send` waits, and the app's other tasks go on."""

    _answer: StreamedAnswer

    def __init__(self, loop: asyncio.AbstractEventLoop, body: bytes, answer: StreamedAnswer) -> None:
        super().__init__(loop, body, answer)
        self._upload = answer.upload
        self._blocked: list[asyncio.Future[None]] = []
        self._watched = -1

    async def receive(self) -> Message:
        """As for any answer, but the disconnect comes early if who asked hangs up."""
        if self._body is None:
            if self._answer.gone:
                return {"type": "http.disconnect"}
            self._watch()
        return await super().receive()

    async def send(self, message: Message) -> None:
        """Raises Gone once who asked has hung up."""
        answer = self._answer
        if answer.gone:
            raise Gone("the client has gone")
        if answer.ended or not answer.started or message["type"] != "http.response.body":
            await super().send(message)
            return
        more = bool(message.get("more_body"))
        try:
            if not answer.push(message.get("body") or b"", more=more):
                await self._drain()
        except Gone:
            self.disconnect()
            raise
        if not more:
            self.disconnect()
        elif self._waiters:
            self._watch()

    def disconnect(self) -> None:
        self.release()
        super().disconnect()

    def release(self) -> None:
        """Takes the connection off the loop; whoever waits for it finds out what became of it."""
        if self._watched >= 0:
            self.loop.remove_reader(self._watched)
            self.loop.remove_writer(self._watched)
            self._watched = -1
        for waiter in self._blocked:
            if not waiter.done():
                waiter.set_result(None)
        self._blocked.clear()

    def _watch(self) -> None:
        """Has the loop listen for the other side's hanging up, from the first part on that left."""
        if self._watched < 0 and self._upload.opened and not self._answer.ended:
            self._watched = self._upload.fileno()
            self.loop.add_reader(self._watched, self._hear)

    def _hear(self) -> None:
        try:
            self._upload.heard()
        except Gone:
            self.disconnect()

    async def _drain(self) -> None:
        waiter = self.loop.create_future()
        self._blocked.append(waiter)
        self._watched = self._upload.fileno()
        self.loop.add_writer(self._watched, self._advance)
        await waiter
        if self._answer.gone:
            raise Gone("the client has gone")

    def _advance(self) -> None:
        try:
            if self._upload.advance():
                self.release()
        except Gone:
            self.disconnect()


def _current_loop() -> asyncio.AbstractEventLoop | None:
    """The loop the app asked for while it was imported (`get_event_loop()`), as what it made then belongs to it."""
    if sys.version_info >= (3, 14):
        try:
            return asyncio.get_event_loop()  # never makes one
        except RuntimeError:
            return None
    local = getattr(asyncio.get_event_loop_policy(), "_local", None)
    loop = getattr(local, "_loop", None)
    return loop if loop is not None and not loop.is_closed() else None


async def _call(app: Any, scope: Message, exchange: _Exchange) -> None:
    try:
        await app(scope, exchange.receive, exchange.send)
    finally:
        exchange.disconnect()
        if isinstance(exchange.loop, _EagerLoop):
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
    except AttributeError:  # what servers take too: str, memoryview
        return [(_str(name).lower(), _str(value).strip(" \t")) for name, value in headers]


def _str(value: Any) -> str:
    return str(value, "latin-1") if isinstance(value, (bytes, bytearray, memoryview)) else value
