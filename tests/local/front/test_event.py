"""From HTTP requests to Function URL events."""

from __future__ import annotations

import base64
import json

import pytest
from msgspec.structs import replace

from lambent.local.front.authorization import Caller
from lambent.local.front.event import EventMetadata, encode, make_event
from lambent.local.http import Request

DOMAIN = f"{'a' * 32}.lambda-url.us-west-2.localhost"
METADATA = EventMetadata("a" * 32, DOMAIN, 4580, "request-id", "Root=1-5-6", 1783711146671)
GET = Request("GET", "/", "", (("host", "h"),), b"")
ADMIN = Caller("AKIA", "secret", "123456789012", "arn:aws:iam::123456789012:user/u", "AIDA", lambda action, resource: True)


def test_captured_request_becomes_the_captured_event() -> None:
    query = "repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb&literalPlus=a+b&encodedPlus=a%2Bb&empty="
    headers = (
        ("host", "x"),
        ("user-agent", "curl/8.7.1"),
        ("content-type", "application/json"),
        ("cookie", "session=abc123; theme=dark"),
        ("x-voker-probe", "first"),
        ("x-voker-probe", "second"),
        ("connection", "keep-alive"),
    )
    body = '{"message":"…","unicode":"lambda-λ"}'.encode()
    request = Request("POST", "/capture/space%20value", query, headers, body, "203.0.113.7")
    event = make_event(request, METADATA)
    assert event["rawPath"] == "/capture/space%20value"
    assert event["rawQueryString"] == query
    assert event["cookies"] == ["session=abc123", "theme=dark"]
    assert event["headers"]["cookie"] == "session=abc123; theme=dark"
    assert event["headers"]["x-voker-probe"] == "first,second"
    assert event["headers"]["content-length"] == str(len(body))
    assert "connection" not in event["headers"]
    assert event["queryStringParameters"] == {
        "empty": "",
        "encodedPlus": "a+b",
        "literalPlus": "a b",
        "redirect": "https://example.com/a/b",
        "repeat": "one,two",
    }
    context = event["requestContext"]
    assert context["http"]["path"] == "/capture/space value"
    assert context["accountId"] == "anonymous" and "authorizer" not in context
    assert (context["time"], context["timeEpoch"]) == ("10/Jul/2026:19:19:06 +0000", 1783711146671)
    assert event["body"] == body.decode() and event["isBase64Encoded"] is False
    assert json.loads(encode(event)) == event


def test_event_omits_absent_parts() -> None:
    event = make_event(GET, METADATA)
    assert not {"cookies", "queryStringParameters", "body"} & set(event)
    assert event["rawQueryString"] == "" and event["isBase64Encoded"] is False


@pytest.mark.parametrize(
    ("content_type", "encoded"),
    [
        ("text/plain; charset=utf-8", False),
        ("application/json", False),
        ("application/x-www-form-urlencoded", True),
        ("multipart/form-data; boundary=x", True),
        (None, True),
    ],
)
def test_body_is_base64_unless_it_is_text(content_type: str | None, encoded: bool) -> None:
    headers = (("content-type", content_type),) if content_type else ()
    event = make_event(replace(GET, method="POST", headers=headers, body=b"a=b"), METADATA)
    assert event["isBase64Encoded"] is encoded
    assert event["body"] == (base64.b64encode(b"a=b").decode() if encoded else "a=b")


def test_malformed_escapes_and_bytes_are_preserved() -> None:
    event = make_event(replace(GET, path="/pa2%Fth/1", body=b"\xff", headers=(("content-type", "text/plain"),)), METADATA)
    assert event["rawPath"] == "/pa2%Fth/1"
    assert base64.b64decode(event["body"]) == b"\xff" and event["isBase64Encoded"] is True


def test_event_of_a_signed_request_has_its_caller() -> None:
    signed = replace(GET, headers=(("authorization", "AWS4 …"), ("x-amz-date", "20261123T000000Z")))
    event = make_event(signed, METADATA, ADMIN)
    assert "authorization" not in event["headers"] and event["headers"]["x-amz-date"] == "20261123T000000Z"
    assert event["requestContext"]["accountId"] == "123456789012"
    assert event["requestContext"]["authorizer"]["iam"]["userArn"] == ADMIN.arn
