"""Requests to a URL, over real sockets."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from lambent.deployment.fetch import Response, fetch

ANSWERS: dict[str, tuple[int, str, bytes]] = {
    "/": (200, "", b"hello"),
    "/own": (403, "", b"members only"),
    "/statement": (403, "AccessDeniedException", b'{"Message":"Forbidden. For troubleshooting ..."}'),
    "/unknown": (403, "AccessDeniedException", b'{"Message":null}'),
    "/crash": (502, "", b"Internal Server Error"),
    "/busy": (429, "TooManyRequestsException", b"{}"),
}


class Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, kind, body = ANSWERS[self.path]
        self.send_response(status)
        if kind:
            self.send_header("x-amzn-ErrorType", kind)
        self.send_header("x-host", self.headers["Host"])
        self.end_headers()
        self.wfile.write(body if self.path != "/" else self.headers["Host"].encode())

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_names_under_localhost_resolve_to_loopback(port: int) -> None:
    address = f"abc.lambda-url.eu-west-1.localhost:{port}"
    assert fetch(f"http://{address}/", 5) == Response(200, address.encode())


@pytest.mark.parametrize(
    ("path", "forbidden", "unknown", "crashed", "again"),
    (
        ("/", False, False, False, False),
        ("/own", False, False, False, False),
        ("/statement", True, False, False, True),
        ("/unknown", False, True, False, True),
        ("/crash", False, False, True, False),
        ("/busy", False, False, False, True),
    ),
)
def test_responses_of_aws_and_app_are_told_apart(
    port: int, path: str, forbidden: bool, unknown: bool, crashed: bool, again: bool
) -> None:
    response = fetch(f"http://127.0.0.1:{port}{path}", 5)
    assert (response.forbidden, response.unknown_url, response.crashed, response.worth_retrying) == (
        forbidden,
        unknown,
        crashed,
        again,
    )


def test_network_failure_is_a_response() -> None:
    nowhere = fetch("https://nowhere.invalid/", 5)
    assert nowhere.status == 0 and "nowhere.invalid" in nowhere.failure and nowhere.worth_retrying


def test_plain_http_instead_of_tls_is_a_failure(port: int) -> None:
    assert fetch(f"https://abc.localhost:{port}/", 5).status == 0


class Proxy(BaseHTTPRequestHandler):
    """Answers for every site, and opens no tunnel."""

    requests: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.requests.append((f"GET {self.path}", self.headers["Host"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"by proxy")

    def do_CONNECT(self) -> None:
        self.requests.append((f"CONNECT {self.path}", self.headers["Proxy-Authorization"]))
        self.send_error(407)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{server.server_port}")
    monkeypatch.setenv("https_proxy", f"http://me:p%40ss@127.0.0.1:{server.server_port}")
    Proxy.requests.clear()
    yield Proxy  # type: ignore[misc]
    server.shutdown()
    thread.join()
    server.server_close()


def test_proxy_is_used_except_for_local_addresses(proxy: Proxy, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetch("http://nowhere.invalid/a?b=c", 5).body == b"by proxy"
    refused = fetch("https://abc.lambda-url.invalid/", 5)
    assert (refused.status, "407" in refused.failure, "p@ss" in refused.failure) == (0, True, False)
    login = f"Basic {base64.b64encode(b'me:p@ss').decode()}"
    assert proxy.requests == [
        ("GET http://nowhere.invalid/a?b=c", "nowhere.invalid"),
        ("CONNECT abc.lambda-url.invalid:443", login),
    ]
    assert fetch(f"http://abc.localhost:{port}/", 5).body == fetch(f"http://127.0.0.1:{port}/", 5).body.replace(
        b"127.0.0.1", b"abc.localhost"
    )
    monkeypatch.setenv("no_proxy", ".invalid")
    assert "nowhere.invalid can't be resolved" in fetch("http://nowhere.invalid/", 5).failure
    assert len(proxy.requests) == 2
