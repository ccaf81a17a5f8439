"""From what a function returned to an HTTP response."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambent.local.engine.invocation import Outcome
from lambent.local.front.response import from_outcome
from lambent.local.http import Response


def respond(returned: Any) -> Response:
    return from_outcome(Outcome(json.dumps(returned).encode(), "", ""))


@pytest.mark.parametrize(
    ("returned", "body"),
    [
        ({"hello": "world"}, b'{"hello":"world"}'),
        (["hello", 3, True], b'["hello",3,true]'),
        ("hello", b"hello"),
        (3, b"3"),
        (1.5, b"1.5"),
        (True, b"true"),
        (None, b"null"),
    ],
)
def test_value_without_status_code_is_compact_json(returned: Any, body: bytes) -> None:
    assert respond(returned) == Response(200, (("content-type", "application/json"),), body)


def test_structured_value_becomes_the_response() -> None:
    returned = {"statusCode": "418", "headers": {"X-Thing": 5, "Content-Length": "99"}, "body": "ho", "cookies": ["a=1", "b=2"]}
    response = respond(returned)
    assert response.status == 418 and response.body == b"ho"
    assert response.headers == (
        ("x-thing", "5"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("content-type", "application/json"),
    )


def test_content_type_is_case_insensitive_and_base64_is_decoded() -> None:
    returned = {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "body": "AAH/", "isBase64Encoded": True}
    assert respond(returned) == Response(200, (("content-type", "image/png"),), b"\x00\x01\xff")


@pytest.mark.parametrize(
    "returned",
    [
        {"statusCode": "four"},
        {"statusCode": 9},
        {"statusCode": 200, "headers": {"x": "a\r\nset-cookie: b"}},
        {"statusCode": 200, "body": "!", "isBase64Encoded": True},
        {"statusCode": 200, "cookies": "a=b"},
        {"statusCode": 200, "headers": {"a b": "c"}},
        {"statusCode": 200, "headers": ["a"]},
        {"not": float("nan")},
    ],
)
def test_malformed_value_is_502(returned: Any) -> None:
    response = respond(returned)
    assert (response.status, response.body) == (502, b"Internal Server Error")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("statusCode", "headers", "cookies", "body", "isBase64Encoded"), JSON)))
def test_any_value_becomes_a_valid_response(returned: dict[str, Any]) -> None:
    response = respond(returned)
    assert 200 <= response.status <= 599
    for name, value in response.headers:
        assert name.isascii() and not set("\r\n\0") & set(name + value)


def test_response_hides_the_error_of_a_function() -> None:
    response = from_outcome(Outcome(b'{"errorMessage":"secret"}', "Unhandled", ""))
    assert (response.status, response.body) == (502, b"Internal Server Error")


def test_half_of_a_surrogate_pair_is_replaced() -> None:
    returned = {"statusCode": 200, "headers": {"x": "\ud800"}, "body": "a\ud800"}
    assert respond(returned).body == b"a?"
    assert respond("a\ud800").body == b"a?"


@pytest.mark.parametrize("depth", [900, 990, 100_000])
def test_value_that_is_nested_deeply_is_no_bug(depth: int) -> None:
    payload = b"[" * depth + b"]" * depth
    assert from_outcome(Outcome(payload, "", "")).status in (200, 502)
    nested = b'{"statusCode": 200, "body": ' + payload + b"}"
    assert from_outcome(Outcome(nested, "", "")).status in (200, 502)
