"""Streaming from the zip: real processes whose app, Runtime API and test wait on each other, so that the order is certain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.gateway_events import make_elb, make_rest
from support.interpreter import python
from support.runtime_api_stub import make_event
from support.streaming_apps import ASGI, WSGI, GatedApp

VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.13", "3.14")
MEBIBYTE = 1024 * 1024

Make = Callable[..., GatedApp]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    apps: list[GatedApp] = []

    def make(source: str, version: str = "3.13", mode: str = "stream", checks: str = "strict") -> GatedApp:
        env = {"LAMBENT_RESPONSE": mode, "CHECKS": checks, "LAMBENT_INTERFACE": "asgi" if source == ASGI else "wsgi"}
        apps.append(GatedApp(tmp_path / str(len(apps)), python(version), source, env))
        return apps[-1]

    yield make
    for app in apps:
        app.close()


both = pytest.mark.parametrize("source", [ASGI, WSGI], ids=["asgi", "wsgi"])


@both
@pytest.mark.parametrize("version", VERSIONS)
def test_events_leave_one_by_one(make: Make, source: str, version: str) -> None:
    app = make(source, version)
    stream = app.env.stream(make_event(path="/events"))
    assert stream.headers["lambda-runtime-function-response-mode"] == "streaming"
    assert stream.headers["content-type"] == "application/vnd.awslambda.http-integration-response"
    assert stream.prelude() == {  # with its cookies
        "statusCode": 200,
        "headers": {"content-type": "text/event-stream"},
        "cookies": ["a=1", "b=2"],
    }
    for number in range(3):
        assert stream.chunk() == b"data: %d\n\n" % number
        app.open()  # the next one is not made before
    assert stream.rest() == b""
    assert stream.trailers == {}
    assert app.env.terminate() == 0
    assert app.env.log == ""


@both
def test_an_error_after_the_first_byte_is_in_the_trailers(make: Make, source: str) -> None:
    app = make(source)
    stream = app.env.stream(make_event(path="/late"))
    assert stream.prelude()["statusCode"] == 200
    assert stream.rest() == b"half"
    error = stream.error()
    assert (error["errorType"], error["errorMessage"], error["requestId"]) == ("KeyError", "'late on purpose'", "request-1")
    assert 'raise KeyError("late on purpose")' in error["stackTrace"][-1]
    assert app.env.stream(make_event(path="/late")).prelude()["statusCode"] == 200
    assert "[ERROR] KeyError: 'late on purpose'" in app.env.log
    assert app.env.api.refused == []


@both
def test_an_error_before_the_first_byte_is_a_500(make: Make, source: str) -> None:
    app = make(source)
    app.open()
    stream = app.env.stream(make_event(path="/early"))
    prelude = stream.prelude()
    assert (prelude["statusCode"], prelude["headers"]["content-type"]) == (500, "text/plain; charset=utf-8")
    assert "x" not in prelude["headers"]
    assert (stream.rest(), stream.trailers) == (b"Internal Server Error", {})
    assert "[ERROR] KeyError: 'early on purpose'" in app.env.log


def test_an_answer_left_incomplete_says_so(make: Make) -> None:
    app = make(ASGI)
    stream = app.env.stream(make_event(path="/short"))
    stream.prelude()
    assert stream.rest() == b"half"
    assert "without completing its response" in stream.error()["errorMessage"]


@both
@pytest.mark.parametrize("mode", ["stream", "buffer"])
def test_answer_first_work_after(make: Make, source: str, mode: str) -> None:
    app = make(source, mode=mode)
    if mode == "stream":
        stream = app.env.stream(make_event(path="/after"))
        stream.prelude()
        assert stream.rest() == b"soon"
    else:
        assert app.env.invoke(make_event(path="/after")).body == b"soon"
    app.open()
    assert app.message() == "worked"


@pytest.mark.parametrize(("source", "path"), [(ASGI, "/large"), (WSGI, "/large"), (ASGI, "/lump")])
def test_a_hundred_megabytes_in_constant_memory(make: Make, source: str, path: str) -> None:
    app = make(source)
    app.env.api.keep = 1
    stream = app.env.stream(make_event(path=path))
    idle = int(stream.prelude()["headers"]["x-idle"])
    highest = int(app.message())
    assert stream.chunk() is None
    body = b"x" * 100 * MEBIBYTE if path == "/lump" else bytes(range(256)) * 4096 * 100
    assert stream.digest.hexdigest() == hashlib.sha256(body).hexdigest()
    assert highest - idle <= 16 * 1024  # KiB


@pytest.mark.parametrize("version", VERSIONS)
def test_a_slow_reader_holds_the_app_back_but_not_its_other_tasks(make: Make, version: str) -> None:
    app = make(ASGI, version)
    app.env.api.reading.clear()
    stream = app.env.stream(make_event(path="/full"))
    app.open()
    assert int(app.message()) < 100  # said by another task while `send` waits
    app.env.api.reading.set()
    stream.prelude()
    assert stream.rest() == bytes(100 * MEBIBYTE)


def test_a_send_given_up_half_way_spoils_nothing(make: Make) -> None:
    app = make(ASGI)
    app.env.api.reading.clear()
    stream = app.env.stream(make_event(path="/stuck"))
    assert app.message() == "gave up"
    app.env.api.reading.set()
    stream.prelude()
    body = stream.rest()
    assert (body[-4:], body.count(0) % MEBIBYTE, len(body) - body.count(0)) == (b"last", 0, 4)


@both
@pytest.mark.parametrize("status", [0, 413])
def test_when_nobody_reads_any_more_the_app_is_told(make: Make, source: str, status: int) -> None:
    app = make(source)
    app.env.api.cut = (2, status)
    stream = app.env.stream(make_event(path="/endless"))
    stream.prelude()
    assert app.message() == {ASGI: "ClientDisconnected", WSGI: "closed"}[source]
    app.env.api.cut = None
    app.open()
    assert app.env.stream(make_event(path="/early")).prelude()["statusCode"] == 500  # it lives on
    if status:
        assert "[ERROR] Function.ResponseSizeTooLarge: the response to GET /endless is too large and was refused" in app.env.log
    else:
        assert "the response to GET /endless was cut off because the client hung up" in app.env.log
    assert app.env.log.count("Traceback") == (2 if status else 1)
    assert "raise" in app.env.log.partition("early on purpose")[2]


@pytest.mark.parametrize("version", VERSIONS)
def test_who_waits_in_receive_hears_of_the_end(make: Make, version: str) -> None:
    app = make(ASGI, version)
    app.env.api.cut = (2, 0)
    app.env.stream(make_event(path="/patient"))
    assert app.message() == "http.request http.disconnect"


def test_what_write_takes_leaves_at_once(make: Make) -> None:
    app = make(WSGI)
    stream = app.env.stream(make_event(path="/written"))
    stream.prelude()
    for number in range(2):
        assert stream.chunk() == b"%d" % number
        app.open()
    assert stream.rest() == b"end"


def test_exc_info_after_the_headers_left_breaks_off(make: Make) -> None:
    app = make(WSGI)
    stream = app.env.stream(make_event(path="/again"))
    assert stream.prelude()["statusCode"] == 200
    assert stream.rest() == b"begun"
    assert stream.error()["errorMessage"] == "'late on purpose'"


def test_a_file_goes_through_the_file_wrapper(make: Make) -> None:
    stream = make(WSGI).env.stream(make_event(path="/file"))
    stream.prelude()
    assert stream.rest() == WSGI.encode()


@pytest.mark.parametrize(
    ("method", "status", "body", "headers"),
    [
        ("GET", 200, b"body", {"content-length": "4", "etag": "e"}),
        ("HEAD", 200, b"", {"content-length": "4", "etag": "e"}),
        ("GET", 204, b"", {"etag": "e"}),
        ("GET", 304, b"", {"content-length": "4", "etag": "e"}),
    ],
)
def test_answers_without_a_body(make: Make, method: str, status: int, body: bytes, headers: dict[str, str]) -> None:
    stream = make(ASGI).env.stream(make_event(method, "/bare", query=str(status)))
    assert stream.prelude() == {"statusCode": status, "headers": headers}
    assert (stream.rest(), stream.trailers) == (body, {})


def test_the_length_of_an_answer_in_one_piece_is_true(make: Make) -> None:
    app = make(ASGI)
    stream = app.env.stream(make_event(path="/whole"))
    assert stream.prelude()["headers"] == {"content-length": "4"}
    assert stream.rest() == b"body"
    assert app.env.stream(make_event(path="/bare", query="100")).prelude()["statusCode"] == 500  # as a server has it


def test_only_function_urls_get_streams(make: Make) -> None:
    app = make(ASGI)
    assert app.env.invoke(make_elb(path="/whole")).body == b"body"
    for domain in ("x.execute-api.eu-west-1.amazonaws.com", "shop.example.com", ""):
        assert app.env.invoke(make_event(path="/whole", domain=domain)).body == b"body"
    assert app.env.invoke(make_rest("/whole")).body == b"body"


@both
def test_sigterm_lets_a_stream_end(make: Make, source: str) -> None:
    app = make(source)
    stream = app.env.stream(make_event(path="/events"))
    stream.prelude()
    stream.chunk()
    app.env.process.terminate()
    for _ in range(3):
        app.open()
    assert stream.rest() == b"data: 1\n\ndata: 2\n\n"
    assert stream.complete
    assert app.env.process.wait(30) == 0


def test_an_app_that_exits_breaks_its_stream_off(make: Make) -> None:
    app = make(ASGI)
    stream = app.env.stream(make_event(path="/exits"))
    stream.prelude()
    assert stream.rest() == b"half"
    assert not stream.complete
    assert app.env.process.wait(30) == 3


@pytest.mark.parametrize("version", VERSIONS)
def test_the_first_step_is_like_every_other(make: Make, version: str) -> None:
    app = make(ASGI, version)
    for _ in range(2):
        stream = app.env.stream(make_event(path="/steps"))
        stream.prelude()
        assert stream.rest() == b"0 1 1;1 1 1;2 1 1;1"


def test_a_connection_lost_while_the_environment_was_frozen_is_made_anew(make: Make) -> None:
    app = make(ASGI)
    event = json.dumps(make_event(path="/early")).encode()
    app.env.api.events.put(("request-1", event, {"Then": "hang up"}))
    assert app.env.api.server.hung_up.acquire(timeout=30)
    app.open()
    stream = app.env.api.streams.get(timeout=30)
    assert stream.prelude()["statusCode"] == 500
    assert (stream.rest(), stream.trailers) == (b"Internal Server Error", {})
