"""`lambent deploy --local --stream` of ordinary apps: what their clients receive, and when."""

from __future__ import annotations

import http.client
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from support import forked
from support.local_service import Service, serving

STARLETTE = """
import asyncio, re
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

async def home(request):
    return PlainTextResponse("hello")

async def events(request):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(request.query_params["port"]))
    async def chunks():
        for number in range(3):
            yield f"data: {number}\\n\\n"
            await reader.readexactly(1)  # continues only when the client has received this one
        writer.write(b"!")
        await writer.drain()
    response = StreamingResponse(chunks(), media_type="text/event-stream")
    response.set_cookie("seen", "1")
    response.set_cookie("more", "2")
    return response

async def large(request):
    async def chunks():
        piece = bytes(range(256)) * 256
        for _ in range(int(request.query_params["mb"]) * 16):
            yield piece
    return StreamingResponse(chunks(), media_type="application/octet-stream")

async def breaks(request):
    async def chunks():
        yield b"some"
        raise ValueError("in the middle")
    return StreamingResponse(chunks(), media_type="text/plain")

async def raises(request):
    raise ValueError("at once")

async def memory(request):
    status = open("/proc/self/status").read()
    return PlainTextResponse(re.search(r"VmHWM:\\s+(\\d+)", status)[1])

app = Starlette(routes=[
    Route("/", home), Route("/events", events), Route("/large", large), Route("/breaks", breaks), Route("/raises", raises),
    Route("/memory", memory),
])
"""

FLASK = """
import socket
from flask import Flask, Response, request

app = Flask(__name__)

@app.get("/")
def home():
    return "hello"

@app.get("/events")
def events():
    peer = socket.create_connection(("127.0.0.1", int(request.args["port"])))
    def chunks():
        for number in range(3):
            yield f"data: {number}\\n\\n"
            peer.recv(1)
        peer.sendall(b"!")
    response = Response(chunks(), mimetype="text/event-stream")
    response.set_cookie("seen", "1")
    response.set_cookie("more", "2")
    return response
"""

FASTAPI = """
import socket
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()

@app.get("/")
def home():
    return {"hello": "world"}

@app.get("/events")
def events(port: int):
    peer = socket.create_connection(("127.0.0.1", port))
    def chunks():
        for number in range(3):
            yield f"data: {number}\\n\\n"
            peer.recv(1)
        peer.sendall(b"!")
    response = StreamingResponse(chunks(), media_type="text/event-stream")
    response.set_cookie("seen", "1")
    response.set_cookie("more", "2")
    return response
"""

APPS = {"starlette": STARLETTE, "flask": FLASK, "fastapi": FASTAPI}


def deploy(service: Service, folder: Path, *flags: str) -> str:
    command = [sys.executable, "-m", "lambent", "deploy", str(folder), "--local", "--port", str(service.port)]
    process = forked.run([*command, "--state", str(service.state), *flags], timeout=180)
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A local Lambda whose functions reach the tests' own servers."""
    with serving(tmp_path_factory.mktemp("state"), share_network=True) as running:
        yield running


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A function that writes the folder of an app."""

    def write(name: str) -> Path:
        folder = tmp_path_factory.getbasetemp() / f"app-{name}"
        folder.mkdir(exist_ok=True)
        (folder / "main.py").write_text(APPS[name])
        (folder / "requirements.txt").write_text(f"{name}\n")
        return folder

    return write


@pytest.fixture(scope="module")
def starlette(service: Service, project: Any) -> str:
    return deploy(service, project("starlette"), "--stream")


class Exchange:
    """A request and its response, which is still being received."""

    def __init__(self, service: Service, url: str, path: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        self.connection.request("GET", path, headers={"Host": urlsplit(url).netloc})
        self.response = self.connection.getresponse()
        self.status, self.headers = self.response.status, self.response.headers

    def close(self) -> None:
        self.response.close()
        self.connection.close()


@pytest.fixture
def gate() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        yield server


@pytest.mark.parametrize("name", APPS)
def test_events_arrive_one_by_one(service: Service, project: Any, gate: socket.socket, name: str) -> None:
    url = deploy(service, project(name), "--stream")
    exchange = Exchange(service, url, f"/events?port={gate.getsockname()[1]}")
    peer, _ = gate.accept()
    with peer:
        peer.settimeout(30)
        assert exchange.status == 200 and exchange.headers["content-type"].startswith("text/event-stream")
        assert exchange.headers["transfer-encoding"] == "chunked"
        assert [cookie.split(";")[0] for cookie in exchange.headers.get_all("set-cookie", [])] == ["seen=1", "more=2"]
        for number in range(3):
            assert exchange.response.read1() == f"data: {number}\n\n".encode()
            peer.sendall(b".")
        assert exchange.response.read() == b""
        assert peer.recv(1) == b"!"
    exchange.close()


def test_app_keeps_running_when_the_client_disconnects(service: Service, starlette: str, gate: socket.socket) -> None:
    exchange = Exchange(service, starlette, f"/events?port={gate.getsockname()[1]}")
    assert exchange.response.read1() == b"data: 0\n\n"
    exchange.close()
    peer, _ = gate.accept()
    with peer:
        peer.settimeout(30)
        peer.sendall(b"...")
        assert peer.recv(1) == b"!"


def test_error_before_and_after_the_first_byte(service: Service, starlette: str) -> None:
    response = service.fetch(f"{starlette}breaks")
    assert (response.status, response.body) == (200, b"some"), "ends as if nothing had happened, as on AWS"
    assert service.fetch(f"{starlette}raises").status == 500
    assert service.fetch(f"{starlette}nowhere").status == 404


def peak_mb(pid: int) -> float:
    return int(re.findall(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0]) / 1024


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are read from Linux's /proc")
def test_stream_of_100_mb_needs_little_memory(service: Service, starlette: str) -> None:
    for mb in (1, 100):  # the first allocates what is needed only once
        exchange = Exchange(service, starlette, f"/large?mb={mb}")
        size = 0
        while chunk := exchange.response.read1():
            size += len(chunk)
        exchange.close()
        assert size == mb << 20
        function = int(service.fetch(f"{starlette}memory").body) / 1024
        if mb == 1:
            Path(f"/proc/{service.pid}/clear_refs").write_text("5")  # resets the peak
            before = (function, peak_mb(service.pid))
    growth = (function - before[0], peak_mb(service.pid) - before[1])
    print(f"above idle: function {growth[0]:.1f} MB, service {growth[1]:.1f} MB")
    assert max(growth) < 16


def test_streaming_can_be_turned_off_and_on(service: Service, starlette: str, project: Any) -> None:
    """The URL stays the same. Without streaming, responses have a length and a limit."""
    folder = project("starlette")
    assert deploy(service, folder) == starlette
    response = service.fetch(f"{starlette}large?mb=1")
    assert (len(response.body), response.headers["content-length"]) == (1 << 20, str(1 << 20))
    response = service.fetch(f"{starlette}large?mb=7")
    assert response.status == 502
    assert "the response is larger than 6291556 bytes; set stream = true in [tool.lambent]" in service.log()
    (folder / "pyproject.toml").write_text("[tool.lambent]\nstream = true\n")
    assert deploy(service, folder) == starlette
    response = service.fetch(f"{starlette}large?mb=7")
    assert (len(response.body), "content-length" in response.headers) == (7 << 20, False)
    (folder / "pyproject.toml").unlink()
