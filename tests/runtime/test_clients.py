"""Web apps under both clients of the Runtime API, our loop and AWS's own: the same answers, the same errors."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambent.local.sandbox.runtimes import install
from support.aws_client import CACHE, aws_environment
from support.functions import NEWEST, interpreter
from support.runtime_api_stub import Environment, make_event

Start = Callable[..., Environment]

ASGI = """
import asyncio, contextlib, os

seen = []

async def note():
    seen.append("imported")

background = asyncio.create_task(note())  # uvicorn imports apps while its loop runs

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        seen.append("started")
        scope["state"]["loop"] = asyncio.get_running_loop()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("shut down")
        await send({"type": "lifespan.shutdown.complete"})
        return
    path, headers, body = scope["path"], [(b"content-type", b"text/plain; charset=utf-8")], b""
    if path == "/raise":
        raise ValueError("on purpose")
    if path == "/echo":
        body = (await receive())["body"]
        headers = [(b"content-type", b"application/octet-stream"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    elif path == "/life":
        await asyncio.sleep(0)
        same = scope["state"]["loop"] is asyncio.get_running_loop()
        body = repr((seen, same, scope["aws.context"].aws_request_id, scope["aws.event"]["rawPath"])).encode()
    elif path == "/trace":
        body = os.environ.get("_X_AMZN_TRACE_ID", "none").encode()
    elif path == "/pass":
        body = "é".encode()
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": body})
"""

WSGI = """
def app(environ, start_response):
    if environ["PATH_INFO"] == "/raise":
        raise ValueError("on purpose")
    start_response("201 Created", [("Content-Type", "text/plain"), ("X-Path", environ["PATH_INFO"])])
    return [environ["wsgi.input"].read()]
"""


@pytest.fixture(params=["lambent", "aws"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Start:
    """Starts main.py's app under one of the two clients."""

    def ours(app: str = "main.app", **over: Any) -> Environment:
        return Environment(tmp_path, interpreter(), app, **over)

    def aws(app: str = "main.app", **over: Any) -> Environment:
        env = {"LAMBENT_APP": app, "AWS_EXECUTION_ENV": f"AWS_Lambda_{NEWEST}", **over.pop("env", {})}
        return aws_environment(tmp_path, NEWEST, "lambent_runtime.aws.handler", env=env, **over)

    return ours if request.param == "lambent" else aws


def test_asgi(start: Start) -> None:
    with start(files={"main.py": ASGI}) as env:
        first = env.invoke(make_event(path="/pass"))
        assert (first.kind, first.status, first.body) == ("response", 201, "é".encode())
        assert first.fields == {"content-type": "text/plain; charset=utf-8"}
        echo = env.invoke(make_event("POST", path="/echo", body=bytes(range(256))))
        assert (echo.body, echo.data["cookies"]) == (bytes(range(256)), ["a=1", "b=2"])
        for _ in range(2):
            assert env.invoke(make_event(path="/life")).body.startswith(b"(['imported', 'started'], True, 'request-")
        assert env.invoke(make_event(path="/trace"), Trace_Id="Root=1-2").body == b"Root=1-2"
        assert env.invoke(make_event(path="/trace")).body == b"none"
        env.wait_idle()
        assert env.terminate() == 0
        assert env.log == "shut down\n"


def test_wsgi(start: Start) -> None:
    with start(files={"main.py": WSGI}) as env:
        answer = env.invoke(make_event("POST", path="/a b", body="text"))
        assert (answer.status, answer.body, answer.fields["x-path"]) == (201, b"text", "/a b")


@pytest.mark.parametrize("code", [ASGI, WSGI], ids=["asgi", "wsgi"])
def test_an_app_that_raises(start: Start, code: str) -> None:
    with start(files={"main.py": code}) as env:
        answer = env.invoke(make_event(path="/raise"))
        assert (answer.kind, answer.status, answer.body) == ("response", 500, b"Internal Server Error")
        assert env.invoke(make_event(path="/pass")).status == 201
        env.wait_idle()
        assert env.log.startswith("[ERROR] ValueError: on purpose\rTraceback (most recent call last):\r")
        assert "main.py" in env.log.split("\r")[2]


def test_an_event_that_is_no_request(start: Start) -> None:
    with start(files={"main.py": WSGI}) as env:
        posted = env.invoke({"source": "aws.events"})
        assert (posted.kind, posted.data["errorType"]) == ("error", "Function.NotHttp")
        assert posted.data["errorMessage"].startswith("this event is not an HTTP request (its keys are ['source'])")
        assert env.invoke(make_event(path="/pass")).status == 201


def test_events_of_the_apps_own(start: Start) -> None:
    jobs = "def on_event(event, context):\n    return {'took': event['source'], 'for': context.aws_request_id}\n"
    with start(files={"main.py": WSGI, "jobs.py": jobs}, env={"LAMBENT_EVENTS": "jobs:on_event"}) as env:
        assert env.invoke({"source": "aws.events"}).data == {"took": "aws.events", "for": "request-1"}
        assert env.invoke(make_event(path="/pass")).status == 201


INIT_ERRORS = {
    "nowhere.app": ("", "Runtime.ImportModuleError", "Unable to import module 'nowhere': No module named 'nowhere'"),
    "main.nothing": ("", "Runtime.HandlerNotFound", "Handler 'nothing' missing on module 'main'"),
    "main.app": ("def app(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'main': "),
    "main.key": ("{}['no']", "KeyError", "'no'"),
    "main.one": ("one = 1", "Runtime.NotAnApp", "int cannot be called"),
}


@pytest.mark.parametrize("app", INIT_ERRORS)
def test_init_errors(start: Start, app: str) -> None:
    code, kind, message = INIT_ERRORS[app]
    with start(app, files={"main.py": code}) as env:
        posted = env.posted()
        assert (posted.kind, posted.data["errorType"]) == ("init/error", kind)
        assert posted.data["errorMessage"].startswith(message)
        assert env.process.wait(30) == 1


def test_a_lifespan_that_fails(start: Start) -> None:
    app = """
        async def app(scope, receive, send):
            await receive()
            raise ConnectionError("refused by db.example.org")
    """
    with start(files={"main.py": textwrap.dedent(app)}) as env:
        posted = env.posted()
        assert (posted.kind, posted.data["errorType"]) == ("init/error", "ConnectionError")
        assert posted.data["errorMessage"] == "refused by db.example.org"


HOOKS = """
import asyncio
from snapshot_restore_py import register_after_restore, register_before_snapshot

seen = []
state = {}

@register_before_snapshot
def first():
    seen.append("before 1")

register_before_snapshot(seen.append, "before 2")
register_after_restore(seen.append, "after 1")

@register_after_restore
def second():
    seen.append("after 2")
    BROKEN

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        state["lock"] = asyncio.Lock()
        state["loop"] = asyncio.get_running_loop()
        state["task"] = asyncio.create_task(asyncio.sleep(1000))
        await send({"type": "lifespan.startup.complete"})
        return await receive()
    async with state["lock"]:
        alive = state["loop"] is asyncio.get_running_loop() and not state["task"].done()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": repr((seen, alive)).encode()})
"""
SNAP = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}


def snapshot_hooks() -> str:
    """The source of AWS's package, which stands in /var/runtime."""
    return (install(NEWEST, CACHE / "runtimes", os.environ).folder / "snapshot_restore_py.py").read_text()


def test_hooks_run_around_the_snapshot_and_what_belongs_to_the_loop_survives(start: Start) -> None:
    files = {"main.py": HOOKS.replace("BROKEN", ""), "snapshot_restore_py.py": snapshot_hooks()}
    with start(files=files, env=SNAP) as env:
        assert env.posted().kind == "restore/next"
        env.api.restored.set()
        order = ["before 2", "before 1", "after 1", "after 2"]
        assert env.invoke(make_event()).body.decode() == repr((order, True))


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_hook_that_fails(start: Start, place: str) -> None:
    code = HOOKS.replace("BROKEN", "raise OSError('after')")
    if place == "before":
        code = code.replace('seen.append("before 1")', 'raise OSError("before")')
    with start(files={"main.py": code, "snapshot_restore_py.py": snapshot_hooks()}, env=SNAP) as env:
        env.api.restored.set()
        posted = env.posted()
        if place == "after":
            assert posted.kind == "restore/next"
            posted = env.posted()
        kind, where, status = {
            "before": ("Runtime.BeforeSnapshotError", "init/error", 64),
            "after": ("Runtime.AfterRestoreError", "restore/error", 65),
        }[place]
        assert (posted.kind, posted.headers["lambda-runtime-function-error-type"]) == (where, kind)
        assert (posted.data["errorType"], posted.data["errorMessage"]) == ("OSError", place)
        assert env.process.wait(30) == status
        assert f"[ERROR] OSError: {place}\rTraceback (most recent call last):\r" in env.log
