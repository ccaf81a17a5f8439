"""ASGI: one loop, one lifespan, and the messages of one request."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lambent.runtime.asgi import AsgiHost
from lambent.runtime.lifespan import LifespanFailed
from lambent.runtime.request import read
from lambent.runtime.response import Response
from support.gateway_events import make_rest
from support.runtime_api_stub import make_event

Scope = dict[str, Any]
START = {"type": "http.response.start", "status": 200, "headers": [(b"Content-Type", b"text/plain")]}
END = {"type": "http.response.body", "body": b"done"}
Call = Callable[..., dict[str, Any]]


@pytest.fixture
def hosts() -> Iterator[list[AsgiHost]]:
    started: list[AsgiHost] = []
    yield started
    for host in started:
        host.close()


@pytest.fixture
def call(hosts: list[AsgiHost]) -> Call:
    """Starts an app (once) and sends it an event."""
    known: dict[int, AsgiHost] = {}

    def call(app: Any, event: Any = None, lifespan: str = "auto") -> dict[str, Any]:
        if id(app) not in known:
            known[id(app)] = AsgiHost(app, lifespan)
            known[id(app)].start()
            hosts.append(known[id(app)])
        delivered: list[bytes] = []
        request = read(event or make_event(), "the context")
        known[id(app)].handle(request, Response(request, delivered.append))
        (data,) = map(json.loads, delivered)
        return data  # type: ignore[no-any-return]

    return call


async def answer(send: Any, body: bytes = b"done") -> None:
    await send(START)
    await send({"type": "http.response.body", "body": body})


def test_scope(call: Call) -> None:
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        scopes.append(scope)
        await answer(send)

    event = make_event("POST", "/a%2Fb/%C3%BC", query="x=%20", headers={"x-ü": "ü", "y": "€"}, protocol="HTTP/2.0")
    call(app, event)
    (scope,) = scopes
    headers = scope.pop("headers")
    domain = event["requestContext"]["domainName"]
    assert scope == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "2",
        "method": "POST",
        "scheme": "https",
        "path": "/a/b/ü",
        "raw_path": b"/a%2Fb/%C3%BC",
        "query_string": b"x=%20",
        "root_path": "",
        "client": ("203.0.113.7", 0),
        "server": (domain, 443),
        "state": {},
        "aws.event": event,
        "aws.context": "the context",
    }
    assert ("x-ü".encode("latin-1"), b"\xfc") in headers
    assert (b"y", "€".encode()) in headers
    call(app, make_rest("/x"))
    assert (scopes[1]["path"], scopes[1]["root_path"], scopes[1]["raw_path"]) == ("/prod/x", "/prod", b"/prod/x")


def test_lifespan_runs_once_and_its_state_reaches_requests(call: Call, hosts: list[AsgiHost]) -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            seen.append((await receive())["type"])
            scope["state"]["pool"] = ["opened"]
            await send({"type": "lifespan.startup.complete"})
            seen.append((await receive())["type"])
            await send({"type": "lifespan.shutdown.complete"})
            return
        scope["state"]["own"] = True
        scope["state"]["pool"].append("used")
        await answer(send, json.dumps(scope["state"]).encode())

    assert json.loads(call(app)["body"]) == {"pool": ["opened", "used"], "own": True}
    assert json.loads(call(app)["body"]) == {"pool": ["opened", "used", "used"], "own": True}
    assert seen == ["lifespan.startup"]
    hosts.pop().close()
    assert seen == ["lifespan.startup", "lifespan.shutdown"]


def test_lifespan_failure_has_its_cause(call: Call) -> None:
    async def says(scope: Scope, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    async def says_and_raises(scope: Scope, receive: Any, send: Any) -> None:
        await says(scope, receive, send)
        raise ConnectionError("refused")

    async def raises(scope: Scope, receive: Any, send: Any) -> None:
        await receive()
        raise ConnectionError("refused")

    with pytest.raises(LifespanFailed, match="no database"):
        call(says)
    for app in (says_and_raises, raises):
        with pytest.raises(ConnectionError, match="refused"):
            call(app)


@pytest.mark.parametrize("lifespan", ["auto", "off"])
def test_an_app_need_not_know_lifespan(call: Call, lifespan: str) -> None:
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError("only http")
        await answer(send)

    assert call(app, lifespan=lifespan)["body"] == "done"


def test_lifespan_on_demands_it(call: Call) -> None:
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        raise ValueError("only http")

    with pytest.raises(ValueError, match="only http"):
        call(app, lifespan="on")


def test_one_running_loop_for_all_requests(call: Call) -> None:
    loops = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        loops.append(asyncio.get_running_loop())
        await asyncio.sleep(0)
        await answer(send)

    call(app)
    call(app)
    assert len(loops) == 3  # lifespan, too
    assert len({id(loop) for loop in loops}) == 1


def test_a_request_first_lets_background_tasks_see_what_came_since_the_last_one(call: Call) -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    events: list[object] = []

    async def listen() -> None:
        events.append(await asyncio.get_running_loop().sock_recv(ours, 10))
        await asyncio.sleep(1e-9)
        events.append("slept")

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            scope["state"]["listener"] = asyncio.create_task(listen())
            await send({"type": "lifespan.startup.complete"})
            return
        await answer(send, repr(events).encode())

    with ours, theirs:
        assert call(app)["body"] == "[]"
        theirs.send(b"closing")
        assert call(app)["body"] == "[b'closing']"
        assert call(app)["body"] == "[b'closing', 'slept']"


def test_receive_waits_until_the_answer_is_complete(call: Call) -> None:
    order: list[Any] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError
        order.append(await receive())
        await send(START)

        async def watch() -> None:
            order.append((await receive())["type"])

        watcher = asyncio.create_task(watch())
        for chunk in (b"a", b"b"):
            await asyncio.sleep(0.001)
            order.append(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send(END)
        order.append("sent")
        await watcher
        order.append((await receive())["type"])

    assert call(app, make_event("POST", body=b"in"))["body"] == "abdone"
    body = {"type": "http.request", "body": b"in", "more_body": False}
    assert order == [body, b"a", b"b", "sent", "http.disconnect", "http.disconnect"]


def test_the_answer_leaves_before_the_work_after_it(hosts: list[AsgiHost]) -> None:
    order: list[str] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await answer(send)
        await asyncio.sleep(0.01)
        order.append("worked")

    host = AsgiHost(app, "off")
    host.start()
    hosts.append(host)
    request = read(make_event(), None)
    host.handle(request, Response(request, lambda body: order.append("answered")))
    assert order == ["answered", "worked"]


def test_an_exception_after_the_answer_does_not_change_it(hosts: list[AsgiHost]) -> None:
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await answer(send)
        raise ValueError("too late")

    host = AsgiHost(app, "off")
    host.start()
    hosts.append(host)
    request = read(make_event(), None)
    delivered: list[bytes] = []
    one = Response(request, delivered.append)
    with pytest.raises(ValueError, match="too late"):
        host.handle(request, one)
    assert one.ended
    assert json.loads(delivered[0])["statusCode"] == 200


def test_context_variables_do_not_leak(call: Call) -> None:
    variable = contextvars.ContextVar("variable", default="clean")
    seen = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        seen.append(variable.get())
        variable.set("used")
        await answer(send)

    call(app, lifespan="off")
    call(app, lifespan="off")
    assert seen == ["clean", "clean"]
    assert variable.get() == "clean"


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        ([], "without starting a response"),
        ([START], "without completing its response"),
        ([END], "expected ASGI message 'http.response.start'"),
        ([START, START], "expected ASGI message 'http.response.body'"),
        ([START, END, END], "after response already completed"),
        ([{**START, "headers": [(b"x", b"a\nb")]}], "line break"),
        ([{**START, "headers": [(b"X\r\nSet-Cookie: a", b"b")]}], "not the name of a header"),
    ],
)
def test_an_app_that_breaks_the_protocol(call: Call, messages: list[Any], complaint: str) -> None:
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    with pytest.raises((RuntimeError, ValueError), match=complaint):
        call(app, lifespan="off")


def test_header_bytes_that_are_not_utf_8(call: Call) -> None:
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"X-Name", b"caf\xe9"), [b"y", b"z"]]})
        await send({"type": "http.response.body"})

    assert call(app, lifespan="off")["headers"] == {"x-name": "café", "y": "z"}


def test_a_task_left_running_goes_on_in_the_next_request(call: Call) -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        async def later() -> None:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            seen.append("later")

        if not seen:
            app.task = asyncio.create_task(later())  # type: ignore[attr-defined]
            seen.append("first")
        else:
            await app.task  # type: ignore[attr-defined]
        await answer(send)

    call(app, lifespan="off")
    call(app, lifespan="off")
    assert seen == ["first", "later"]


def test_a_500_is_answered_while_a_background_task_still_works(hosts: list[AsgiHost]) -> None:
    delivered: list[bytes] = []
    explained: list[BaseException] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        try:
            raise LookupError("the reason")
        except LookupError as error:
            await send({**START, "status": 500})
            await send({"type": "http.response.body", "body": b"sorry"})
            assert delivered == []  # its exception may follow at once
            async with asyncio.timeout(30) if hasattr(asyncio, "timeout") else contextlib.nullcontext():
                while not delivered:  # a background task
                    await asyncio.sleep(0.001)
            raise error

    host = AsgiHost(app, "off")
    host.start()
    hosts.append(host)
    request = read(make_event(), "the context")
    response = Response(request, delivered.append)
    response.explain = lambda held, error: explained.append(error)
    with pytest.raises(LookupError, match="the reason"):
        host.handle(request, response)
    assert json.loads(delivered[0])["statusCode"] == 500
    assert [str(error) for error in explained] == ["the reason"]
    response.close()
    assert len(delivered) == 1
