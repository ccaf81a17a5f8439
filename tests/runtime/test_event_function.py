"""Events that are no HTTP requests, and base paths, in a real process with the loop in the zip."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from lambent import interpreters
from support.aws_client import aws_environment
from support.gateway_events import make_rest
from support.runtime_api_stub import Environment, make_event

ASGI = """
import asyncio
loops = []
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    loops.append(asyncio.get_running_loop())
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": f"{scope['root_path']} {scope['path']}".encode()})
"""
WSGI = """
def app(environ, start_response):
    start_response("200 OK", [("content-type", "text/plain")])
    return [f"{environ['SCRIPT_NAME']} {environ['PATH_INFO']}".encode()]
"""
JOBS = """
import asyncio
import main

def plain(event, context):
    return {"got": event, "id": context.aws_request_id}

async def waits(event, context):
    await asyncio.sleep(0.001)
    loops = getattr(main, "loops", [])
    return {"of": event["source"], "same loop": [loop is asyncio.get_running_loop() for loop in loops]}

def fails(event, context):
    raise LookupError("no such job")

def odd(event, context):
    return object()

nothing = 3
"""
SCHEDULE = {"version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}


@pytest.fixture(scope="module")
def python() -> Path:
    found = interpreters.find("3.13", os.environ) or interpreters.find("3.11", os.environ)
    assert found is not None
    return found.path


def environment(tmp_path: Path, python: Path, app: str, **env: str) -> Environment:
    return Environment(tmp_path, python, "main.app", files={"main.py": app, "jobs.py": JOBS}, env=env)


@pytest.mark.parametrize("app", [ASGI, WSGI], ids=["asgi", "wsgi"])
def test_other_events_go_to_the_function(tmp_path: Path, python: Path, app: str) -> None:
    with environment(tmp_path, python, app, LAMBENT_EVENTS="jobs:plain") as lambda_:
        assert lambda_.invoke(SCHEDULE).data == {"got": SCHEDULE, "id": "request-1"}
        answer = lambda_.invoke(make_event(path="/x"))
        assert (answer.status, answer.body) == (200, b" /x")
        assert lambda_.invoke({}).data == {"got": {}, "id": "request-3"}
        assert lambda_.invoke([1]).data["got"] == [1]


@pytest.mark.parametrize(("app", "loops"), [(ASGI, [True]), (WSGI, [])], ids=["asgi", "wsgi"])
def test_an_async_function_runs_on_the_loop_of_the_app(tmp_path: Path, python: Path, app: str, loops: list[bool]) -> None:
    with environment(tmp_path, python, app, LAMBENT_EVENTS="jobs:waits") as lambda_:
        lambda_.invoke(make_event())
        for _ in range(2):
            assert lambda_.invoke(SCHEDULE).data == {"of": "aws.events", "same loop": loops}


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [("fails", "LookupError", "no such job"), ("odd", "Runtime.MarshalError", "not JSON serializable")],
)
def test_a_function_that_fails_fails_its_invocation(tmp_path: Path, python: Path, name: str, kind: str, text: str) -> None:
    with environment(tmp_path, python, ASGI, LAMBENT_EVENTS=f"jobs:{name}") as lambda_:
        posted = lambda_.invoke(SCHEDULE)
        assert (posted.kind, posted.data["errorType"]) == ("error", kind)
        assert text in posted.data["errorMessage"]
        assert lambda_.invoke(make_event()).status == 200


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("jobs:missing", "Runtime.HandlerNotFound"),
        ("jobs:nothing", "Runtime.HandlerNotFound"),
        ("nowhere:x", "Runtime.ImportModuleError"),
    ],
)
def test_a_function_that_is_not_there_is_said_at_init(tmp_path: Path, python: Path, name: str, kind: str) -> None:
    with environment(tmp_path, python, ASGI, LAMBENT_EVENTS=name) as lambda_:
        posted = lambda_.posted()
        assert (posted.kind, posted.data["errorType"]) == ("init/error", kind)
        assert f'[tool.lambent] events = "{name}"' in posted.data["errorMessage"]


def test_without_a_function_the_error_says_how_to_give_one(tmp_path: Path, python: Path) -> None:
    with environment(tmp_path, python, WSGI) as lambda_:
        posted = lambda_.invoke(SCHEDULE)
        assert (posted.kind, posted.data["errorType"]) == ("error", "Function.NotHttp")
        assert "its keys are ['detail', 'detail-type', 'source', 'version']" in posted.data["errorMessage"]
        assert '[tool.lambent] events = "module:function"' in posted.data["errorMessage"]


@pytest.mark.parametrize(("app", "whole"), [(ASGI, True), (WSGI, False)], ids=["asgi", "wsgi"])
def test_base_path(tmp_path: Path, python: Path, app: str, whole: bool) -> None:
    """ASGI has the whole path and root_path, WSGI the two parts of it."""

    def seen(event: dict[str, Any]) -> str:
        return lambda_.invoke(event).body.decode()

    with environment(tmp_path, python, app, LAMBENT_BASE_PATH="/shop") as lambda_:
        assert seen(make_event(path="/shop/a%2Fb")) == ("/shop /shop/a/b" if whole else "/shop /a/b")
        assert seen(make_event(path="/shop")) == ("/shop /shop/" if whole else "/shop /")
        assert seen(make_event(path="/shopping")) == " /shopping"
        assert seen(make_rest("/shop/x")) == ("/prod/shop /prod/shop/x" if whole else "/prod/shop /x")


@pytest.mark.parametrize("app", [ASGI, WSGI], ids=["asgi", "wsgi"])
def test_the_same_under_awss_own_client(tmp_path: Path, app: str) -> None:
    settings = {"LAMBENT_APP": "main.app", "LAMBENT_EVENTS": "jobs:plain", "LAMBENT_BASE_PATH": "/shop"}
    files = {"main.py": app, "jobs.py": JOBS}
    with aws_environment(tmp_path, "python3.13", "lambent_runtime.aws.handler", files=files, env=settings) as lambda_:
        assert lambda_.invoke(SCHEDULE).data == {"got": SCHEDULE, "id": "request-1"}
        assert lambda_.invoke(make_event(path="/shop/x")).body.decode().startswith("/shop ")


COMPAT = """
from lambent_runtime.compat import Mangum, make_lambda_handler

starts = []

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        starts.append(1)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": f"{scope['path']} {len(starts)}".encode()})

def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode(), b" ", environ["apig_wsgi.context"].aws_request_id.encode()]

mangum = Mangum(app)
apig = make_lambda_handler(wsgi)
"""


@pytest.mark.parametrize("ours", [True, False], ids=["our loop", "AWS's client"])
def test_the_stand_ins_are_handlers(tmp_path: Path, python: Path, ours: bool) -> None:
    def running(folder: str, handler: str) -> Environment:
        if ours:
            env = {"LAMBENT_INTERFACE": "handler"}
            return Environment(tmp_path / folder, python, handler, files={"main.py": COMPAT}, env=env)
        return aws_environment(tmp_path / folder, "python3.13", handler, files={"main.py": COMPAT})

    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    with running("one", "main.mangum") as lambda_:
        assert [lambda_.invoke(make_event(path="/a")).body for _ in range(2)] == [b"/a 1", b"/a 1"]
        assert lambda_.invoke(SCHEDULE).data["errorType"] == "RuntimeError"
    with running("two", "main.apig") as lambda_:
        answer = lambda_.invoke(make_event(path="/a"))
        assert (answer.body, answer.fields) == (b"/a request-1", {"content-type": "text/plain"})
