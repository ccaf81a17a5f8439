"""Streams of untouched apps of the usual frameworks: each part is there before the app is let on to the next."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.frameworks import VERSIONS
from support.runtime_api_stub import Environment, make_event

pytestmark = pytest.mark.parametrize("target", VERSIONS[-1:], indirect=True)

GATE = """
import os
import threading
GATE = os.open(os.environ["GATE"], os.O_RDWR)

def gate():
    os.read(GATE, 1)
"""

STARLETTE = """
import asyncio
from gate import gate
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, StreamingResponse
from starlette.routing import Route

class Passing(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        return await call_next(request)

async def events(request):
    async def parts():
        for number in range(3):
            yield f"data: {number}\\n\\n"
            await asyncio.to_thread(gate)
    return StreamingResponse(parts(), media_type="text/event-stream", background=BackgroundTask(print, "worked"))

async def plain(request):
    def parts():
        for number in range(3):
            yield f"data: {number}\\n\\n"
            gate()
    return StreamingResponse(parts(), media_type="text/event-stream")

async def endless(request):
    async def parts():
        try:
            while True:
                yield "x"
                await asyncio.sleep(0)
        finally:
            print("generator closed")
    return StreamingResponse(parts())

async def file(request):
    return FileResponse(__file__)

routes = [Route("/events", events), Route("/plain", plain), Route("/endless", endless), Route("/file", file)]
app = Starlette(routes=routes)
wrapped = Starlette(routes=routes, middleware=[Middleware(Passing)])
"""

FLASK = """
from flask import Flask, Response, request, send_file, stream_with_context
from gate import gate

app = Flask(__name__)

@app.get("/events")
def events():
    @stream_with_context
    def parts():
        for number in range(3):
            yield f"data: {number}\\n\\n"
            gate()
    return Response(parts(), mimetype="text/event-stream")

@app.get("/file")
def file():
    return send_file(__file__, conditional=True)
"""

DJANGO = """
import django
from django.conf import settings
from django.http import FileResponse, StreamingHttpResponse
from django.urls import path
from gate import gate

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="x")
django.setup()

def events(request):
    def parts():
        for number in range(3):
            yield f"data: {number}\\n\\n"
            gate()
    return StreamingHttpResponse(parts(), content_type="text/event-stream")

def file(request):
    return FileResponse(open(__file__, "rb"))

urlpatterns = [path("events", events), path("file", file)]

from django.core.wsgi import get_wsgi_application
app = get_wsgi_application()
"""

APPS = {"starlette": STARLETTE, "flask": FLASK, "django_app": DJANGO}


class Streaming(Environment):
    """An environment whose app can be let on by `open`."""

    def __init__(self, folder: Path, interpreter: Path, handler: str, packages: Path) -> None:
        os.mkfifo(folder / "gate")
        self._gate = os.open(folder / "gate", os.O_RDWR)
        files = {"gate.py": GATE, **{f"{name}_main.py": text for name, text in APPS.items()}}
        env = {"GATE": str(folder / "gate"), "LAMBENT_RESPONSE": "stream"}
        super().__init__(folder, interpreter, handler, files=files, packages=packages, env=env)

    def open(self) -> None:
        os.write(self._gate, b"x")


@pytest.fixture
def env(target: tuple[Path, Path], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Streaming]:
    with Streaming(tmp_path, target[0], request.param, target[1]) as env:
        yield env
        assert env.api.refused == []


@pytest.mark.parametrize(
    ("env", "path"),
    [
        ("starlette_main.app", "/events"),
        ("starlette_main.app", "/plain"),
        ("starlette_main.wrapped", "/events"),
        ("flask_main.app", "/events"),
        ("django_app_main.app", "/events"),
    ],
    indirect=["env"],
)
def test_server_sent_events(env: Streaming, path: str) -> None:
    stream = env.stream(make_event(path=path))
    prelude = stream.prelude()
    assert (prelude["statusCode"], prelude["headers"]["content-type"].partition(";")[0]) == (200, "text/event-stream")
    for number in range(3):
        assert stream.chunk() == b"data: %d\n\n" % number
        env.open()
    assert (stream.rest(), stream.trailers) == (b"", {})
    assert env.terminate() == 0
    assert "Traceback" not in env.log


@pytest.mark.parametrize("env", ["starlette_main.app", "starlette_main.wrapped"], indirect=True)
def test_a_client_that_goes_is_no_error(env: Streaming) -> None:
    env.api.cut = (2, 0)
    env.stream(make_event(path="/endless")).rest()
    env.api.cut = None
    assert env.stream(make_event(path="/file")).prelude()["statusCode"] == 200
    assert "generator closed" in env.log
    assert "ERROR" not in env.log


@pytest.mark.parametrize("env", ["starlette_main.app", "flask_main.app", "django_app_main.app"], indirect=True)
def test_files(env: Streaming) -> None:
    whole = env.stream(make_event(path="/file"))
    assert whole.prelude()["statusCode"] == 200
    text = whole.rest()
    assert text.strip() in {source.strip().encode() for source in APPS.values()}
    part = env.stream(make_event(path="/file", headers={"range": "bytes=5-9"}))
    assert part.prelude()["statusCode"] in (200, 206)
    assert part.rest() in (text, text[5:10])
