"""The question to a URL, over real sockets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lambent.deploy.probe import Answer, ask

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

    def log_message(self, *given: object) -> None:
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


def test_names_under_localhost_are_asked_here_with_their_host(port: int) -> None:
    address = f"abc.lambda-url.eu-west-1.localhost:{port}"
    assert ask(f"http://{address}/", 5) == Answer(200, address.encode())


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
def test_who_answered(port: int, path: str, forbidden: bool, unknown: bool, crashed: bool, again: bool) -> None:
    answer = ask(f"http://127.0.0.1:{port}{path}", 5)
    assert (answer.forbidden, answer.unknown, answer.crashed, answer.worth_retrying) == (forbidden, unknown, crashed, again)


def test_no_answer_is_an_answer_too() -> None:
    nowhere = ask("https://nowhere.invalid/", 5)
    assert nowhere.status == 0 and "nowhere.invalid" in nowhere.failure and nowhere.worth_retrying


def test_plain_http_where_tls_is_expected(port: int) -> None:
    assert ask(f"https://abc.localhost:{port}/", 5).status == 0
