"""`lambent deploy --local --stream` of ordinary apps: what their clients get, and when."""

from __future__ import annotations

import http.client
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from support.local_service import Service

STARLETTE = """
import asyncio, re
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

async def home(request):
    return PlainTextResponse("hello")

async def events(request):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(request.query_params["port"]))
    async def made():
        for number in range(3):
            yield f"data: {number}\\n\\n"
            await reader.readexactly(1)  # the next one only when the client has seen this one
        writer.write(b"!")
        await writer.drain()
    answer = StreamingResponse(made(), media_type="text/event-stream")
    answer.set_cookie("seen", "1")
    answer.set_cookie("more", "2")
    return answer

async def large(request):
    async def made():
        piece = bytes(range(256)) * 256
        for _ in range(int(request.query_params["mb"]) * 16):
            yield piece
    return StreamingResponse(made(), media_type="application/octet-stream")

async def breaks(request):
    async def made():
        yield b"some"
        raise ValueError("on the way")
    return StreamingResponse(made(), media_type="text/plain")

async def raises(request):
    raise ValueError("at once")

async def memory(request):
    told = open("/proc/self/status").read()
    return PlainTextResponse(re.search(r"VmHWM:\\s+(\\d+)", told)[1])

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
    def made():
        for number in range(3):
            yield f"data: {number}\\n\\n"
            peer.recv(1)
        peer.sendall(b"!")
    answer = Response(made(), mimetype="text/event-stream")
    answer.set_cookie("seen", "1")
    answer.set_cookie("more", "2")
    return answer
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
    def made():
        for number in range(3):
            yield f"data: {number}\\n\\n"
            peer.recv(1)
        peer.sendall(b"!")
    answer = StreamingResponse(made(), media_type="text/event-stream")
    answer.set_cookie("seen", "1")
    answer.set_cookie("more", "2")
    return answer
"""

APPS = {"starlette": STARLETTE, "flask": FLASK, "fastapi": FASTAPI}


def deploy(service: Service, folder: Path, *flags: str) -> str:
    command = [sys.executable, "-m", "lambent", "deploy", str(folder), "--local", "--port", str(service.port)]
    told = subprocess.run(
        [*command, "--state", str(service.state), *flags], capture_output=True, text=True, timeout=180, check=False
    )
    assert told.returncode == 0, told.stderr
    return told.stdout.strip()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Folders of the apps, by name."""

    def made(name: str) -> Path:
        folder = tmp_path_factory.getbasetemp() / f"app-{name}"
        folder.mkdir(exist_ok=True)
        (folder / "main.py").write_text(APPS[name])
        (folder / "requirements.txt").write_text(f"{name}\n")
        return folder

    return made


@pytest.fixture(scope="module")
def starlette(service: Service, project: Any) -> str:
    return deploy(service, project("starlette"), "--stream")


class Asked:
    """An answer under way."""

    def __init__(self, service: Service, url: str, path: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        self.connection.request("GET", path, headers={"Host": urlsplit(url).netloc})
        self.answer = self.connection.getresponse()
        self.status, self.headers = self.answer.status, self.answer.headers

    def close(self) -> None:
        self.answer.close()
        self.connection.close()


@pytest.fixture
def gate() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        yield server


@pytest.mark.parametrize("name", APPS)
def test_events_arrive_one_by_one(service: Service, project: Any, gate: socket.socket, name: str) -> None:
    url = deploy(service, project(name), "--stream")
    asked = Asked(service, url, f"/events?port={gate.getsockname()[1]}")
    peer, _ = gate.accept()
    with peer:
        peer.settimeout(30)
        assert asked.status == 200 and asked.headers["content-type"].startswith("text/event-stream")
        assert asked.headers["transfer-encoding"] == "chunked"
        assert [cookie.split(";")[0] for cookie in asked.headers.get_all("set-cookie", [])] == ["seen=1", "more=2"]
        for number in range(3):
            assert asked.answer.read1() == f"data: {number}\n\n".encode()
            peer.sendall(b".")
        assert asked.answer.read() == b""
        assert peer.recv(1) == b"!"
    asked.close()


def test_the_app_runs_on_when_its_client_goes_away(service: Service, starlette: str, gate: socket.socket) -> None:
    asked = Asked(service, starlette, f"/events?port={gate.getsockname()[1]}")
    assert asked.answer.read1() == b"data: 0\n\n"
    asked.close()
    peer, _ = gate.accept()
    with peer:
        peer.settimeout(30)
        peer.sendall(b"...")
        assert peer.recv(1) == b"!"


def test_errors_before_and_after_the_first_byte(service: Service, starlette: str) -> None:
    got = service.fetch(f"{starlette}breaks")
    assert (got.status, got.body) == (200, b"some"), "ends as if all were well, as on AWS"
    assert service.fetch(f"{starlette}raises").status == 500
    assert service.fetch(f"{starlette}nowhere").status == 404


def peak_mb(pid: int) -> float:
    return int(re.findall(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0]) / 1024


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are read from Linux's /proc")
def test_a_hundred_megabytes_leave_no_trace_in_memory(service: Service, starlette: str) -> None:
    for mb in (1, 100):  # the first for what is allocated once
        asked = Asked(service, starlette, f"/large?mb={mb}")
        size = 0
        while chunk := asked.answer.read1():
            size += len(chunk)
        asked.close()
        assert size == mb << 20
        function = int(service.fetch(f"{starlette}memory").body) / 1024
        if mb == 1:
            Path(f"/proc/{service.pid}/clear_refs").write_text("5")  # the peak counts from here
            before = (function, peak_mb(service.pid))
    grown = (function - before[0], peak_mb(service.pid) - before[1])
    print(f"above idle: function {grown[0]:.1f} MB, service {grown[1]:.1f} MB")
    assert max(grown) < 16


def test_off_and_on_again(service: Service, starlette: str, project: Any) -> None:
    """The same URL, first whole answers with a length and a limit, then streams again."""
    folder = project("starlette")
    assert deploy(service, folder) == starlette
    got = service.fetch(f"{starlette}large?mb=1")
    assert (len(got.body), got.headers["content-length"]) == (1 << 20, str(1 << 20))
    got = service.fetch(f"{starlette}large?mb=7")
    assert got.status == 502
    assert "the response is larger than 6291556 bytes; set stream = true in [tool.lambent]" in service.log()
    (folder / "pyproject.toml").write_text("[tool.lambent]\nstream = true\n")
    assert deploy(service, folder) == starlette
    got = service.fetch(f"{starlette}large?mb=7")
    assert (len(got.body), "content-length" in got.headers) == (7 << 20, False)
    (folder / "pyproject.toml").unlink()
