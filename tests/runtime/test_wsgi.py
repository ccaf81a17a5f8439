"""WSGI by PEP 3333."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

import pytest

from lambent.runtime.request import read
from lambent.runtime.response import Response
from lambent.runtime.wsgi import WsgiHost, environ
from support.gateway_events import make_rest
from support.runtime_api_stub import make_event

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]
PLAIN = [("Content-Type", "text/plain")]


def call(app: Any, event: Any = None) -> dict[str, Any]:
    delivered: list[bytes] = []
    request = read(event or make_event(), None)
    WsgiHost(app).handle(request, Response(request, delivered.append))
    (data,) = map(json.loads, delivered)
    return data  # type: ignore[no-any-return]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_wsgiref_validate_passes(method: str) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.errors"].write("")
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response("200 OK", PLAIN)
        return [] if method == "HEAD" else [b"got ", body]

    event = make_event(method, "/a/b", query="x=1", body=b"abc" if method == "POST" else None)
    data = call(validator(app), event)
    assert data["body"] == {"GET": "got ", "POST": "got abc", "HEAD": ""}[method]


def test_environ() -> None:
    sent = {"content-type": "text/plain", "x-two": "1,2", "accept": "ü", "x_two": "smuggled"}
    event = make_event("POST", "/a%20b/%C3%BC", query="q=%20", body="ü", headers=sent, protocol="HTTP/2.0")
    values = environ(read(event, "the context"))
    assert values["PATH_INFO"] == "/a b/ü".encode().decode("latin-1")
    assert (values["SCRIPT_NAME"], values["QUERY_STRING"], values["REQUEST_URI"]) == ("", "q=%20", "/a%20b/%C3%BC?q=%20")
    assert (values["CONTENT_TYPE"], values["CONTENT_LENGTH"]) == ("text/plain", "2")
    assert (values["HTTP_X_TWO"], values["HTTP_ACCEPT"]) == ("1,2", "ü")
    assert (values["SERVER_PROTOCOL"], values["SERVER_PORT"], values["wsgi.url_scheme"]) == ("HTTP/2.0", "443", "https")
    assert values["wsgi.input"].read() == "ü".encode()


def test_paths_and_headers_beyond_latin_1_are_bytes_in_disguise() -> None:
    values = environ(read(make_event(path="/%E2%82%AC", headers={"x": "€"}), None))
    assert values["PATH_INFO"].encode("latin-1").decode() == "/€"
    assert values["HTTP_X"].encode("latin-1").decode() == "€"


def test_event_and_context_are_there() -> None:
    event = make_event()
    values = environ(read(event, "the context"))
    assert values["aws.event"] is event
    assert values["aws.context"] == "the context"


def test_script_name() -> None:
    values = environ(read(make_rest("/x"), None))
    assert (values["SCRIPT_NAME"], values["PATH_INFO"]) == ("/prod", "/x")


def test_start_response_again_with_exc_info() -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", PLAIN)
        try:
            raise KeyError("late")
        except KeyError:
            start_response("503 Sorry", [("X", "y")], sys.exc_info())
        return [b"sorry"]

    data = call(app)
    assert (data["statusCode"], data["headers"]) == (503, {"x": "y"})


def test_exc_info_after_the_body_began_raises_it() -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", PLAIN)
        yield b"begun"
        try:
            raise KeyError("late")
        except KeyError:
            start_response("500 Oh", PLAIN, sys.exc_info())

    with pytest.raises(KeyError, match="late"):
        call(app)


def test_start_response_twice_is_an_error() -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", PLAIN)
        start_response("200 OK", PLAIN)
        return []

    with pytest.raises(AssertionError, match="twice"):
        call(app)


def test_no_start_response_is_an_error() -> None:
    with pytest.raises(AssertionError, match="never called start_response"):
        call(lambda environ, start_response: [])
    with pytest.raises(AssertionError, match="before it called start_response"):
        call(lambda environ, start_response: [b"x"])


def test_text_in_the_body_is_an_error() -> None:
    def app(environ: Environ, start_response: StartResponse) -> Any:
        start_response("200 OK", PLAIN)
        return ["text"]

    with pytest.raises(TypeError, match="not str"):
        call(app)


class Body:
    """An iterable that counts calls of close."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.chunks = iter(chunks)
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self.chunks

    def close(self) -> None:
        self.closed += 1


def test_close_is_called_once_and_also_after_an_error() -> None:
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise OSError("gone")

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", PLAIN)
        return body

    body = Body([b"a", b"", b"b"])
    assert call(app)["body"] == "ab"
    assert body.closed == 1
    body = Body(broken())
    with pytest.raises(OSError, match="gone"):
        call(app)
    assert body.closed == 1


def test_write_callable_and_headers_set_while_iterating() -> None:
    def writes(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        write = start_response("200 OK", PLAIN)
        write(b"first ")
        return [b"second"]

    def late(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        yield b""
        start_response("201 Created", PLAIN)
        yield b"x"

    assert call(writes)["body"] == "first second"
    assert (call(late)["statusCode"], call(late)["body"]) == (201, "x")


def test_the_file_wrapper_reads_blocks_and_can_be_sought_in(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(100_000))

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", PLAIN)
        wrapper = environ["wsgi.file_wrapper"](file, 10)
        assert wrapper.seekable()
        wrapper.seek(100)
        assert wrapper.tell() == 100
        return wrapper  # type: ignore[no-any-return]

    with path.open("rb") as file:
        assert len(call(app)["body"]) == 99_900
        assert file.closed  # the wrapper's close is the file's
    without = environ(read(make_event(), None))["wsgi.file_wrapper"](iter_reader([b"a", b"b"]))
    assert (list(without), hasattr(without, "close"), hasattr(without, "seek")) == ([b"a", b"b"], False, False)


def iter_reader(blocks: list[bytes]) -> Any:
    """The least a file is: something with `read`."""

    class Reader:
        def read(self, size: int) -> bytes:
            return blocks.pop(0) if blocks else b""

    return Reader()


def test_cookies_of_a_wsgi_app_come_once() -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Set-Cookie", " a=1"), ("set-cookie", "b=2")])
        return []

    data = call(app)
    assert (data["cookies"], data["headers"]) == (["a=1", "b=2"], {})
