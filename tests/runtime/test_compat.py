"""The stand-ins for Mangum and apig-wsgi on their own: what they do once, at the end, and with their arguments."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from lambent.runtime.compat import ConfigurationError, LifespanFailure, Mangum, make_lambda_handler
from support.gateway_events import HTTP_API, make_elb, make_rest
from support.runtime_api_stub import make_event

Scope = dict[str, Any]


def answering(status: int = 200, headers: list[tuple[bytes, bytes]] | None = None, body: bytes = b"ok") -> Any:
    """An app, with the scopes it was called with in `seen`."""
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        seen.append(scope)
        fields = [(b"content-type", b"text/plain")] if headers is None else headers
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": body})

    app.seen = seen  # type: ignore[attr-defined]
    return app


class Lively:
    """An app with a lifespan. `fails` start-ups go wrong before one does not."""

    def __init__(self, fails: int = 0) -> None:
        self.fails = fails
        self.starts = self.ends = 0
        self.loops: set[Any] = set()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        self.loops.add(asyncio.get_running_loop())
        if scope["type"] == "lifespan":
            await receive()
            self.starts += 1
            if self.starts <= self.fails:
                raise ConnectionError("no database")
            scope["state"]["pool"] = f"pool {self.starts}"
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self.ends += 1
            await send({"type": "lifespan.shutdown.complete"})
            return
        await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": scope["state"]["pool"].encode()})


def test_one_start_up_one_loop_and_its_state() -> None:
    app = Lively()
    handler = Mangum(app)
    assert app.starts == 0  # routes may still be added after this line
    assert [handler(make_event(), None)["body"] for _ in range(3)] == ["pool 1"] * 3
    assert (app.starts, app.ends, len(app.loops)) == (1, 0, 1)


def test_a_start_up_that_fails_says_why_and_is_tried_again() -> None:
    app = Lively(fails=2)
    handler = Mangum(app)
    for _ in range(2):
        with pytest.raises(LifespanFailure, match="no database") as failure:
            handler(make_event(), None)
        assert isinstance(failure.value.__cause__, ConnectionError)
    assert handler(make_event(), None)["body"] == "pool 3"


def test_two_apps_in_one_process() -> None:
    one, bad, two = Lively(), Lively(fails=1), Lively()
    handlers = [Mangum(app) for app in (one, bad, two)]
    assert handlers[0](make_event(), None)["body"] == "pool 1"
    with pytest.raises(LifespanFailure):
        handlers[1](make_event(), None)
    assert handlers[2](make_event(), None)["body"] == "pool 1"
    assert handlers[0](make_event(), None)["body"] == "pool 1"
    assert (one.ends, two.ends) == (0, 0)


def test_arguments_are_checked() -> None:
    with pytest.raises(ConfigurationError, match=r"auto\|on\|off"):
        Mangum(answering(), lifespan="sometimes")


@pytest.mark.parametrize(
    ("base", "path", "seen", "root"),
    [
        ("/api", "/api/x", "/x", "/api"),
        ("api", "/api/x", "/x", "/api"),
        ("/api/", "/api/x", "/x", "/api"),
        ("/api", "/apiv2/x", "/apiv2/x", ""),
        ("/api", "/api", "/", "/api"),
        ("/api", "/x", "/x", ""),
        ("/", "/api/x", "/api/x", ""),
        ("/api", "/api/api/x", "/api/x", ""),
        ("/dev", "/dev/x", "/x", "/dev"),
    ],
)
def test_base_path(base: str, path: str, seen: str, root: str) -> None:
    app = answering()
    handler = Mangum(app, lifespan="off", api_gateway_base_path=base)
    for event in (make_event(path=path), make_event(path=path, domain=HTTP_API, stage="dev")):
        handler(event, None)
        assert (app.seen[-1]["path"], app.seen[-1]["root_path"]) == (seen, root)
        assert app.seen[-1]["raw_path"].startswith(path.encode())


def test_stages() -> None:
    app = answering()
    handler = Mangum(app, lifespan="off")
    handler(make_rest("/x"), None)
    assert (app.seen[-1]["path"], app.seen[-1]["root_path"]) == ("/x", "/prod")
    handler(make_rest("/prod/x"), None)  # a framework would take /prod off once more
    assert (app.seen[-1]["path"], app.seen[-1]["root_path"]) == ("/prod/x", "")
    handler(make_event(path="/dev/x", domain=HTTP_API, stage="dev"), None)
    assert (app.seen[-1]["path"], app.seen[-1]["root_path"]) == ("/dev/x", "")


def test_an_app_that_takes_root_path_off_by_itself_gets_the_whole_path() -> None:
    """Quart does, and knows itself by this attribute."""
    app = answering()
    app.asgi_app = app
    Mangum(app, lifespan="off")(make_rest("/x"), None)
    assert (app.seen[-1]["path"], app.seen[-1]["root_path"]) == ("/prod/x", "/prod")


def test_which_answers_are_text() -> None:
    def encoded(kind: bytes, **arguments: Any) -> bool:
        answer = Mangum(answering(headers=[(b"content-type", kind)]), lifespan="off", **arguments)(make_rest("/"), None)
        return bool(answer["isBase64Encoded"])

    assert not encoded(b"application/vnd.x+json") and not encoded(b"image/svg+xml") and encoded(b"application/x-yaml")
    only = {"text_mime_types": ["application/x-yaml"]}
    assert not encoded(b"application/x-yaml", **only) and encoded(b"text/plain", **only) and encoded(b"a/b+json", **only)


@pytest.mark.parametrize("event", [make_event(), make_rest("/"), make_elb()], ids=["2.0", "1.0", "balancer"])
def test_excluded_headers(event: Any) -> None:
    app = answering(headers=[(b"x-secret", b"1"), (b"x-secret", b"2"), (b"set-cookie", b"a=1"), (b"x-a", b"1")])
    answer = Mangum(app, lifespan="off", exclude_headers=["X-Secret", "Set-Cookie"])(event, None)
    assert "x-secret" not in str(answer).lower() and "cookie" not in str(answer).lower()
    assert answer["headers"]["x-a"] == "1"


def test_custom_handlers_come_first() -> None:
    class Queue:
        def __init__(self, event: Any, context: Any, config: Any) -> None:
            self.event, self.config = event, config

        @classmethod
        def infer(cls, event: Any, context: Any, config: Any) -> bool:
            return "Records" in event

        body = b"the body"

        @property
        def scope(self) -> Scope:
            return {"type": "http", "method": "POST", "path": "/queue", "headers": [], "aws.event": self.event}

        def __call__(self, response: Any) -> Any:
            return {"done": response["status"], "headers": response["headers"], "body": response["body"]}

    app = answering(202, [(b"x-a", b"f\xfcr")])
    handler = Mangum(app, lifespan="off", custom_handlers=[Queue])
    assert handler({"Records": []}, None) == {"done": 202, "headers": [[b"x-a", b"f\xfcr"]], "body": b"ok"}
    assert app.seen[-1]["path"] == "/queue"
    assert handler(make_event(), None)["statusCode"] == 202


def test_lambda_at_edge() -> None:
    request = {
        "clientIp": "203.0.113.7",
        "headers": {"host": [{"key": "Host", "value": "d.cloudfront.net"}], "x-a": [{"value": "1"}, {"value": "2"}]},
        "method": "POST",
        "uri": "/a%20b",
        "querystring": "x=1",
        "body": {"encoding": "base64", "data": "AP8=", "action": "read-only"},
    }
    app = answering(headers=[(b"content-type", b"text/plain"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")])
    answer = Mangum(app, lifespan="off")({"Records": [{"cf": {"request": request}}]}, None)
    scope = app.seen[-1]
    assert (scope["path"], scope["query_string"], scope["client"]) == ("/a b", b"x=1", ("203.0.113.7", 0))
    assert [value for name, value in scope["headers"] if name == b"x-a"] == [b"1", b"2"]
    assert (answer["status"], answer["body"]) == (200, "ok")
    assert answer["headers"]["set-cookie"] == [{"key": "set-cookie", "value": "a=1"}, {"key": "set-cookie", "value": "b=2"}]


def test_one_line_a_request_and_only_if_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    handler = Mangum(answering(), lifespan="off")
    handler(make_event(), None)
    assert not caplog.records
    with caplog.at_level(logging.INFO):
        handler(make_event(path="/a"), None)
    assert [record.getMessage() for record in caplog.records] == ["GET /a 200"]


def test_an_error_after_the_answer_does_not_change_it(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})
        raise LookupError("too late")

    assert Mangum(app, lifespan="off")(make_event(), None)["statusCode"] == 201
    assert "too late" in caplog.text


def test_events_that_are_not_http() -> None:
    with pytest.raises(RuntimeError, match="unable to infer a handler"):
        Mangum(answering(), lifespan="off")({"Records": [{"eventSource": "aws:sqs"}]}, None)
    with pytest.raises(ValueError, match="not an HTTP request"):
        make_lambda_handler(lambda environ, start_response: [])({"source": "aws.events"}, None)
    with pytest.raises(ValueError, match=r"Unknown version '3\.0'"):
        make_lambda_handler(lambda environ, start_response: [])({"version": "3.0"}, None)


def test_apig_wsgi_lets_errors_through_and_serves_on() -> None:
    def app(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/fail":
            raise LookupError("no such page")
        start_response("200 OK", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
        return [b"ok"]

    handler = make_lambda_handler(app)
    with pytest.raises(LookupError):
        handler(make_event(path="/fail"), None)
    assert handler(make_event(), None)["cookies"] == ["a=1", "b=2"]
    assert handler(make_elb(), None)["headers"] == {"Set-Cookie": "a=1", "set-Cookie": "b=2"}


PROCESS = """
    import sys, time
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route
    from lambent.runtime.compat import Mangum
    import contextlib, threading

    @contextlib.asynccontextmanager
    async def lifespan(app):
        yield
        print("shut down", flush=True)

    def page(request):  # runs on a thread of anyio's, which is no daemon
        return PlainTextResponse(threading.current_thread().name)

    handler = Mangum(Starlette(lifespan=lifespan, routes=[Route("/", page)]))
    names = {handler({"version": "2.0", "rawPath": "/"}, None)["body"] for _ in range(5)}
    print(len(names), flush=True)
"""


@pytest.mark.parametrize("end", ["", "time.sleep(60)", "raise SystemExit(3)"], ids=["end", "SIGTERM", "exit"])
def test_the_app_shuts_down_and_the_process_ends(tmp_path: Path, end: str) -> None:
    """One thread for all requests, no interpreter that hangs on it, and a farewell however the process ends."""
    script = tmp_path / "main.py"
    script.write_text(textwrap.dedent(PROCESS) + end)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env={**os.environ}) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        if "sleep" in end:
            process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "shut down\n"
        assert process.wait(20) == {"": 0, "time.sleep(60)": -signal.SIGTERM}.get(end, 3)
