"""A package registry on this machine: real HTTP, small wheels, and every way in which a registry can misbehave."""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import json
import re
import socket
import ssl
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from msgspec import Struct, field

from lambent.package.lock import DistFile, Lock, Pin


def wheel(name: str = "demo", version: str = "1.0", payload: bytes = b"", tag: str = "py3-none-any") -> tuple[str, bytes]:
    """Return the file name and content of a wheel whose module holds `payload`."""
    content = io.BytesIO()
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": b"DATA = " + repr(payload).encode(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in files).encode()
    with zipfile.ZipFile(content, "w") as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), data)
    return f"{name}-{version}-{tag}.whl", content.getvalue()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Request(Struct, frozen=True):
    path: str
    headers: Mapping[str, str]

    @property
    def start(self) -> int:
        """The first byte requested."""
        match = re.match(r"bytes=(\d+)-", self.headers.get("range", ""))
        return int(match[1]) if match else 0


class Answer(Struct):
    """An HTTP response. The connection is reset after `cut` bytes of the body; without `length` there is no Content-Length."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    length: bool = True
    hold: threading.Event | None = None
    """The second half of the body waits for this event."""


Habit = Callable[[Request, int, bytes], Answer]
"""Answers a request, given the number of earlier requests for the same path, and the file's content."""


def honest(request: Request, before: int, body: bytes) -> Answer:
    """Serve the file, or the part of it that is requested."""
    if not request.start:
        return Answer(200, body, {"ETag": f'"{sha256(body)[:8]}"'})
    total = f"bytes {request.start}-{len(body) - 1}/{len(body)}"
    return Answer(206, body[request.start :], {"Content-Range": total, "ETag": f'"{sha256(body)[:8]}"'})


class Registry(Struct):
    """A registry and its files, with the day of each upload for some. `requests` are all it received, in order."""

    port: int = 0
    scheme: str = "http"
    host: str = "127.0.0.1"
    files: dict[str, bytes] = field(default_factory=dict)
    habits: dict[str, Habit] = field(default_factory=dict)
    login: str = ""
    uploaded: dict[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    def offer(self, name: str = "demo", version: str = "1.0", payload: bytes = b"", habit: Habit = honest) -> Pin:
        """Add a package with one wheel, which is served with this habit, and return its pin."""
        filename, content = wheel(name, version, payload)
        self.files[f"/files/{filename}"] = content
        self.habits[f"/files/{filename}"] = habit
        file = DistFile(filename, f"{self.url}/files/{filename}", (("sha256", sha256(content)),), len(content))
        return Pin(name, version, (file,), index=f"{self.url}/simple")

    def answer(self, request: Request) -> Answer:
        before = sum(earlier.path == request.path for earlier in self.requests)
        self.requests.append(request)
        if self.login and request.headers.get("authorization") != basic(self.login):
            return Answer(401, b"who is it?", {"WWW-Authenticate": "Basic"})
        if request.path.startswith("/simple/"):
            return self._index(request.path)
        if request.path not in self.files:
            return Answer(404)
        return self.habits.get(request.path, honest)(request, before, self.files[request.path])

    def _index(self, path: str) -> Answer:
        name = path.split("/")[2]
        files = [file for file in self.files if file.startswith(f"/files/{name.replace('-', '_')}-")]
        if any(file in self.uploaded for file in files):
            return self._json_index(files)
        links = "".join(f'<a href="{file}#sha256={sha256(self.files[file])}">{file[7:]}</a>\n' for file in files)
        return Answer(200 if files else 404, links.encode(), {"Content-Type": "text/html"})

    def _json_index(self, files: list[str]) -> Answer:
        entries = [
            {
                "filename": file.rpartition("/")[2],
                "url": file,
                "hashes": {"sha256": sha256(self.files[file])},
                "upload-time": f"{self.uploaded[file]}T00:00:00Z",
            }
            for file in files
        ]
        page = {"meta": {"api-version": "1.1"}, "name": files[0].split("/")[2].partition("-")[0], "files": entries}
        return Answer(200, json.dumps(page).encode(), {"Content-Type": "application/vnd.pypi.simple.v1+json"})


def basic(login: str) -> str:
    return "Basic " + base64.b64encode(login.encode()).decode()


def lock(*pins: Pin) -> Lock:
    return Lock("requirements.txt", pins)


@contextmanager
def serving(registry: Registry | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Registry]:
    """Serve a registry until the end of the block."""
    registry = registry or Registry()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            _send(self, registry.answer(Request(self.path, headers)))

        def do_HEAD(self) -> None:  # uv tries it, and goes on without it
            _send(self, Answer(405))

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    registry.port = server.server_port
    if tls is not None:
        registry.scheme, registry.host = "https", "localhost"
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _send(handler: http.server.BaseHTTPRequestHandler, answer: Answer) -> None:
    handler.send_response(answer.status)
    for name, value in answer.headers.items():
        handler.send_header(name, value)
    if answer.length:
        handler.send_header("Content-Length", str(len(answer.body)))
    else:
        handler.send_header("Connection", "close")
        handler.close_connection = True
    handler.end_headers()
    try:
        if answer.cut is not None:
            handler.wfile.write(answer.body[: answer.cut])
            handler.wfile.flush()
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return
        half = len(answer.body) // 2 if answer.hold else len(answer.body)
        handler.wfile.write(answer.body[:half])
        if answer.hold:
            handler.wfile.flush()
            answer.hold.wait(10)
            handler.wfile.write(answer.body[half:])
    except OSError:
        handler.close_connection = True
