"""The same app, asked the same, behind a real server and behind the runtime: the same status, headers and body.

What may differ is listed in `OWN`: headers servers add of themselves.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from lambent.runtime.asgi import AsgiHost
from lambent.runtime.reply import Answer
from lambent.runtime.request import read
from lambent.runtime.wsgi import WsgiHost
from runtime_stand_in import make_event

OWN = {"date", "server", "connection", "transfer-encoding", "content-length"}

ASGI_APP = """
import json

async def app(scope, receive, send):
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    plain = {k: scope[k] for k in ("type", "http_version", "method", "scheme", "path", "root_path")}
    plain["raw_path"] = scope["raw_path"].decode("latin-1")
    plain["query"] = scope["query_string"].decode("latin-1")
    plain["body"] = body.decode("latin-1")
    plain["headers"] = sorted([n.decode("latin-1"), v.decode("latin-1")] for n, v in scope["headers"])
    await reply(scope["path"], plain, send)

async def reply(path, plain, send):
    headers = [(b"Content-Type", b"application/json"), (b"set-cookie", b"a=1"), (b"Set-Cookie", b"b=2"), (b"x", b"caf\\xe9")]
    status = 200
    if path.startswith("/status/"):
        status = int(path[8:])
        headers = [(b"x", b"y")]
    chunks = [json.dumps(plain).encode()]
    if path == "/binary":
        headers[0] = (b"content-type", b"application/octet-stream")
        chunks = [bytes([n]) * 10 for n in range(256)]
    elif path == "/empty" or status in (204, 304):
        chunks = []
    elif path == "/length":
        headers.append((b"content-length", str(len(chunks[0])).encode()))
    elif path == "/raise":
        raise ValueError("on purpose")
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for chunk in chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body"})
"""


@dataclass(frozen=True)
class Ask:
    method: str = "GET"
    target: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None


ASKS = [
    Ask(),
    Ask(target="/a%20b/%C3%BC/%2F/%25/~'!$&()*+,;=:@?x=1&x=%20&y=%2B+&z"),
    Ask(target="/%E2%82%AC/%FF/bad%zz%"),
    Ask(target="//double//slash/./.."),
    Ask(target="/?a=b?c/d"),
    Ask(headers=(("X-Mixed-Case", "One, Two"), ("Cookie", 'a=1; b="2"; c'), ("Accept", "*/*"))),
    Ask("POST", "/post", (("Content-Type", "application/json"),), '{"ü": 1}'.encode()),
    Ask("POST", "/post", (("Content-Type", "application/octet-stream"),), bytes(range(256)) * 50),
    Ask("POST", "/post", (("Content-Type", "text/plain"),), b""),
    Ask("PUT", "/put", (), b"x"),
    Ask("PATCH", "/patch", (), b"\xff\xfe"),
    Ask("DELETE", "/delete"),
    Ask("OPTIONS", "/options"),
    Ask("HEAD", "/head"),
    Ask("HEAD", "/length"),
    Ask(target="/length"),
    Ask(target="/binary"),
    Ask(target="/empty"),
    Ask(target="/raise"),
    *(Ask(target=f"/status/{status}") for status in (201, 204, 301, 304, 404, 418, 500, 599)),
]


@dataclass
class Got:
    status: int
    headers: dict[str, list[str]] = field(default_factory=dict)
    body: Any = b""


def ask(port: int, one: Ask) -> Got:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    sent = {"Host": "u.lambda-url.eu-west-1.on.aws", **dict(one.headers)}
    connection.request(one.method, one.target, one.body, sent)
    answer = connection.getresponse()
    body = answer.read()
    headers: dict[str, list[str]] = {}
    for name, value in answer.getheaders():
        headers.setdefault(name.lower(), []).append(value)
    connection.close()
    return Got(answer.status, headers, body)


def event_for(one: Ask) -> dict[str, Any]:
    """What Lambda makes of it: http.client adds accept-encoding, and a length where there is a body."""
    path, _, query = one.target.partition("?")
    headers = {"host": "u.lambda-url.eu-west-1.on.aws", "accept-encoding": "identity"}
    headers |= {name.lower(): value for name, value in one.headers}
    if one.body is not None or one.method in ("POST", "PUT", "PATCH"):
        headers["content-length"] = str(len(one.body or b""))
    event = make_event(one.method, path, query=query, body=one.body, domain=headers["host"])
    event["headers"] = headers
    if "cookie" in headers:
        event["cookies"] = headers["cookie"].split("; ")
    return event


def through(host: Any, one: Ask) -> Got:
    delivered: list[bytes] = []
    request = read(event_for(one), None)
    request.scheme = "http"
    answer = Answer(request, delivered.append)
    try:
        host.handle(request, answer)
    except ValueError:
        answer.fail()
    data = json.loads(delivered[0])
    headers = {name: [value] for name, value in data["headers"].items()}
    if "cookies" in data:
        headers["set-cookie"] = data["cookies"]

    body = base64.b64decode(data["body"]) if data["isBase64Encoded"] else data["body"].encode()
    return Got(data["statusCode"], headers, body)


def settle(got: Got) -> Got:
    headers = {name: values for name, values in got.headers.items() if name not in OWN}
    try:
        return Got(got.status, headers, json.loads(got.body))
    except ValueError:
        return Got(got.status, headers, got.body)


@pytest.fixture(scope="module")
def asgi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, AsgiHost]]:
    """uvicorn's port, and a host of ours, for the same app."""
    folder = tmp_path_factory.mktemp("app")
    (folder / "echo_app.py").write_text(ASGI_APP)
    names: dict[str, Any] = {}
    exec(ASGI_APP, names)
    listener = socket.create_server(("127.0.0.1", 0))
    command = [sys.executable, "-m", "uvicorn", "echo_app:app", "--fd", str(listener.fileno()), "--lifespan", "off"]
    quiet = [*command, "--log-level", "critical", "--no-proxy-headers"]
    process = subprocess.Popen(quiet, cwd=folder, pass_fds=[listener.fileno()], env={**os.environ, "PYTHONPATH": str(folder)})
    host = AsgiHost(names["app"], "off")
    host.start()
    yield listener.getsockname()[1], host
    host.close()
    process.kill()
    process.wait()
    listener.close()


@pytest.mark.parametrize("one", ASKS, ids=lambda one: f"{one.method} {one.target}")
def test_asgi_is_as_under_uvicorn(asgi: tuple[int, AsgiHost], one: Ask) -> None:
    port, host = asgi
    assert settle(through(host, one)) == settle(ask(port, one))


def wsgi_app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    keys = ("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "wsgi.url_scheme", "SERVER_PROTOCOL")
    seen = {key: environ[key] for key in keys}
    seen |= {key: value for key, value in environ.items() if key.startswith("HTTP_")}
    seen["length"] = environ.get("CONTENT_LENGTH") or ""
    seen["body"] = environ["wsgi.input"].read(int(seen["length"] or 0)).decode("latin-1")
    path = environ["PATH_INFO"]
    if path == "/raise":
        raise ValueError("on purpose")
    status = int(path[8:]) if path.startswith("/status/") else 200
    headers = [("Content-Type", "application/json"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X", "caf\xe9")]
    if status in (204, 304):
        start_response(f"{status} None", [("X", "y")])
        return []
    if path == "/binary":
        headers[0] = ("Content-Type", "image/png")
        start_response("200 OK", headers)
        return [bytes([n]) * 10 for n in range(256)]
    start_response(f"{status} It", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [json.dumps(seen).encode()]


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


@pytest.fixture(scope="module")
def wsgi_port() -> Iterator[int]:
    server = make_server("127.0.0.1", 0, wsgi_app, _Server, _Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


# wsgiref folds slashes at the start, and answers what its app raised with a text of its own.
WSGI_ASKS = [one for one in ASKS if not one.target.startswith("//") and one.target != "/raise"]


@pytest.mark.parametrize("one", WSGI_ASKS, ids=lambda one: f"{one.method} {one.target}")
def test_wsgi_is_as_under_wsgiref(wsgi_port: int, one: Ask) -> None:
    assert settle(through(WsgiHost(wsgi_app), one)) == settle(ask(wsgi_port, one))
