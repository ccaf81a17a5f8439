"""Answers to the JSON Lambda reads."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from lambent.runtime.request import read
from lambent.runtime.response import Response, encode
from support.gateway_events import make_elb, make_rest
from support.runtime_api_stub import make_event

Headers = list[tuple[str, str]]


def reply(headers: Headers, body: bytes = b"", status: int = 200, **over: Any) -> dict[str, Any]:
    request = read(over.get("event") or make_event(over.get("method", "GET")), None)
    data: dict[str, Any] = json.loads(encode(request, status, headers, body))
    return data


def test_a_text_answer() -> None:
    data = reply([("content-type", "text/html; charset=utf-8"), ("x-a", "ü")], '<p>"ü\n\x00'.encode())
    assert data == {
        "statusCode": 200,
        "headers": {"content-type": "text/html; charset=utf-8", "x-a": "ü"},
        "body": '<p>"ü\n\x00',
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("text/plain", True),
        ("TEXT/HTML", True),
        ("application/json", True),
        ("application/problem+json", True),
        ("application/ld+json; charset=utf-8", True),
        ("image/svg+xml", True),
        ("application/javascript", True),
        ("application/x-www-form-urlencoded", True),
        ("image/png", False),
        ("font/woff2", False),
        ("application/octet-stream", False),
        ("multipart/form-data; boundary=x", False),
        ("", False),
    ],
)
def test_which_answers_are_text(kind: str, text: bool) -> None:
    data = reply([("content-type", kind)] if kind else [], b"abc")
    assert data["isBase64Encoded"] is not text
    assert data["body"] == ("abc" if text else base64.b64encode(b"abc").decode())


def test_text_that_is_not_utf_8() -> None:
    data = reply([("content-type", "text/plain; charset=iso-8859-1")], "ü".encode("latin-1"))
    assert data["isBase64Encoded"] is True
    assert base64.b64decode(data["body"]) == b"\xfc"


@pytest.mark.parametrize(("coding", "text"), [("gzip", False), ("br", False), ("identity", True), (" Identity ", True)])
def test_compressed_bodies(coding: str, text: bool) -> None:
    data = reply([("content-type", "text/plain"), ("content-encoding", coding)], b"abc")
    assert data["isBase64Encoded"] is not text


def test_cookies() -> None:
    headers = [("set-cookie", "a=1"), ("x", "y"), ("set-cookie", "b=2; Expires=Thu, 01 Jan 2026 00:00:00 GMT")]
    assert reply(headers)["cookies"] == ["a=1", "b=2; Expires=Thu, 01 Jan 2026 00:00:00 GMT"]
    assert reply(headers)["headers"] == {"x": "y"}
    assert reply(headers, event=make_rest())["multiValueHeaders"]["set-cookie"] == [headers[0][1], headers[2][1]]
    balanced = reply(headers, event=make_elb())["headers"]
    assert {name.lower() for name in balanced} == {"set-cookie", "x"}
    assert sorted(value for name, value in balanced.items() if name != "x") == [headers[0][1], headers[2][1]]


def test_repeated_headers_are_joined() -> None:
    assert reply([("link", "</a>"), ("link", "</b>"), ("vary", "a")])["headers"] == {"link": "</a>, </b>", "vary": "a"}
    assert reply([("link", "</a>"), ("link", "</b>")], event=make_rest())["multiValueHeaders"] == {"link": ["</a>", "</b>"]}


def test_load_balancers() -> None:
    data = reply([("a", "1")], b"", 404, event=make_elb())
    assert (data["statusCode"], data["statusDescription"], data["headers"]) == (404, "404 Not Found", {"a": "1"})
    data = reply([("a", "1")], b"", 299, event=make_elb(multiValueHeaders={"host": ["lb"]}))
    assert (data["statusDescription"], data["multiValueHeaders"]) == ("299 Unknown", {"a": ["1"]})


@pytest.mark.parametrize("status", [204, 304])
def test_no_content(status: int) -> None:
    data = reply([("etag", "x")], b"left over", status)
    assert data == {"statusCode": status, "headers": {"etag": "x"}, "body": "", "isBase64Encoded": False}


def test_content_length_is_true() -> None:
    assert reply([("content-length", "99")], b"abc")["headers"] == {"content-length": "3"}
    assert reply([("content-length", "3")], b"", 204)["headers"] == {}
    assert reply([("content-length", "99")], b"", 304)["headers"] == {"content-length": "99"}


def test_head_has_no_body_but_its_length() -> None:
    data = reply([("content-type", "text/plain"), ("content-length", "3")], b"abc", method="HEAD")
    assert (data["body"], data["headers"]["content-length"]) == ("", "3")


def test_headers_of_the_connection_stay_here() -> None:
    headers = [("Connection".lower(), "close"), ("transfer-encoding", "chunked"), ("x", "1")]
    assert reply(headers)["headers"] == {"x": "1"}


@pytest.mark.parametrize("value", ["a\r\nset-cookie: x", "a\nb", "a\rb", "a\0b"])
def test_a_header_cannot_break_its_line(value: str) -> None:
    answer = Response(read(make_event(), None), lambda body: None)
    with pytest.raises(ValueError, match="line break"):
        answer.start(200, [("x", value)])
    assert not answer.started


@pytest.mark.parametrize("name", ["x\r\nset-cookie: a=1\r\ny", "x\ny", "x\0", "x y", "x:", "", "café", "x\t", '"x"'])
def test_a_header_name_is_a_token(name: str) -> None:
    answer = Response(read(make_event(), None), lambda body: None)
    for _ in range(2):  # a name that was refused isn't remembered
        with pytest.raises(ValueError, match="not the name of a header"):
            answer.start(200, [("content-type", "text/plain"), (name, "1")])
    assert not answer.started


def test_unusual_header_names_are_sent() -> None:
    names = ["x_under", "x.dot", "!#$%&'*+-.^_`|~09az", *(f"x-meta-{number}" for number in range(500))]
    delivered: list[bytes] = []
    answer = Response(read(make_event(), None), delivered.append)
    answer.start(200, [(name, "1") for name in names])
    answer.end()
    assert list(json.loads(delivered[0])["headers"]) == names


@pytest.mark.parametrize("status", [0, 100, 103, 199, 1000])
def test_a_status_that_ends_no_request_is_refused(status: int) -> None:
    answer = Response(read(make_event(), None), lambda body: None)
    with pytest.raises(ValueError, match="between 200 and 999"):
        answer.start(status, [])


def test_failing_replaces_what_was_collected() -> None:
    delivered: list[bytes] = []
    answer = Response(read(make_event(), None), delivered.append)
    answer.start(200, [("set-cookie", "a=1")])
    answer.write(b"half")
    answer.fail()
    (data,) = map(json.loads, delivered)
    assert (data["statusCode"], data["body"]) == (500, "Internal Server Error")
    assert "cookies" not in data


def test_text_that_would_outgrow_the_limit_goes_as_base64() -> None:
    kind = [("content-type", "text/plain")]
    assert reply(kind, bytes(1_000_000))["isBase64Encoded"] is True
    assert reply(kind, bytes(1_000_000), event=make_rest())["isBase64Encoded"] is False
    assert reply(kind, b"x" * 5_000_000)["isBase64Encoded"] is False
    assert reply(kind, bytes(1000))["isBase64Encoded"] is False
