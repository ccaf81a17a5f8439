"""Handlers of a REST API's events, called with the events of a Function URL."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from lambent.runtime.rest_api import RestApi
from support.gateway_events import make_rest

QUERY = "name=Ann%20B&tag=a&tag=b&empty="


def url_event(path: str = "/", method: str = "GET", **fields: Any) -> dict[str, Any]:
    event = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "text/plain", "user-agent": "curl/8"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "abc",
            "domainName": "abc.lambda-url.us-east-1.on.aws",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "curl/8"},
            "requestId": "id-1",
            "stage": "$default",
            "time": "30/Nov/2026:06:00:00 +0000",
            "timeEpoch": 1796018400000,
        },
        "isBase64Encoded": False,
    }
    return event | fields


def seen(event: dict[str, Any]) -> Any:
    """Return the event that a handler gets."""
    events: list[Any] = []
    RestApi(lambda event, context: events.append(event))(event, None)
    return events[0]


def test_request_has_the_fields_of_a_rest_api() -> None:
    event = seen(url_event("/users/7", "PUT", rawQueryString=QUERY, cookies=["a=1", "b=2"], body="hello"))
    assert (event["httpMethod"], event["path"], event["resource"]) == ("PUT", "/users/7", "/{proxy+}")
    assert event["pathParameters"] == {"proxy": "users/7"}
    assert event["queryStringParameters"] == {"name": "Ann B", "tag": "b", "empty": ""}
    assert event["multiValueQueryStringParameters"] == {"name": ["Ann B"], "tag": ["a", "b"], "empty": [""]}
    assert event["headers"] == {"Content-Type": "text/plain", "User-Agent": "curl/8", "Cookie": "a=1; b=2"}
    assert event["multiValueHeaders"]["Content-Type"] == ["text/plain"]
    assert (event["body"], event["isBase64Encoded"], event["stageVariables"]) == ("hello", False, None)
    context = event["requestContext"]
    assert (context["httpMethod"], context["resourcePath"], context["requestId"]) == ("PUT", "/{proxy+}", "id-1")
    assert context["identity"] == {"sourceIp": "192.0.2.1", "userAgent": "curl/8"}


def test_what_a_request_lacks_is_none_as_in_a_rest_api() -> None:
    event = seen(url_event())
    absent = ("pathParameters", "queryStringParameters", "multiValueQueryStringParameters", "body")
    assert event["resource"] == "/" and [event[name] for name in absent] == [None] * 4


def test_a_rest_api_of_aws_has_the_same_names() -> None:
    assert set(make_rest()) - {"version"} <= set(seen(url_event()))


PNG = b"\x89PNG\xff"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(b"a=1&b=\xc3\xa4", ("a=1&b=\u00e4", False)), (PNG, (base64.b64encode(PNG).decode(), True))],
)
def test_text_that_a_url_encodes_becomes_text_again(raw: bytes, expected: tuple[str, bool]) -> None:
    event = seen(url_event(body=base64.b64encode(raw).decode(), isBase64Encoded=True))
    assert (event["body"], event["isBase64Encoded"]) == expected


@pytest.mark.parametrize("event", [{"Records": []}, [1], make_rest(), {"version": "2.0", "requestContext": {}}])
def test_other_events_are_passed_on(event: Any) -> None:
    assert seen(event) is event


def test_headers_with_several_values_become_what_a_url_takes() -> None:
    result = {"statusCode": 200, "body": "", "headers": {"X": "1"}}
    multiple = {"multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"], "Accept": ["x", "y"]}}
    answer = RestApi(lambda event, context: result | multiple)(url_event(), None)
    assert answer == result | {"headers": {"X": "1", "Accept": "x, y"}, "cookies": ["a=1", "b=2"]}
    assert RestApi(lambda event, context: result)(url_event(), None) is result


class Chalice:
    """Stands for chalice.app.Chalice, of which only the routes count."""

    __module__ = "chalice.app"
    routes = dict.fromkeys(["/", "/users/{name}", "/users/me", "/files/{path+}"])

    def __call__(self, event: Any, context: Any) -> Any:
        return {"statusCode": 200, "body": json.dumps([event["requestContext"]["resourcePath"], event["pathParameters"]])}


@pytest.mark.parametrize(
    ("path", "resource", "parameters"),
    [
        ("/", "/", None),
        ("/users/me", "/users/me", None),
        ("/users/ann/", "/users/{name}", {"name": "ann"}),
        ("/files/a/b.txt", "/files/{path+}", {"path": "a/b.txt"}),
    ],
)
def test_chalice_gets_its_own_route(path: str, resource: str, parameters: Any) -> None:
    answer = RestApi(Chalice())(url_event(path), None)
    assert json.loads(answer["body"]) == [resource, parameters]


def test_path_that_no_route_of_chalice_matches_is_a_404() -> None:
    assert RestApi(Chalice())(url_event("/nope"), None)["statusCode"] == 404


@pytest.mark.parametrize(
    ("path", "resource", "parameters"),
    [
        ("/", "/", None),
        ("/items/7", "/items/{id}", {"id": "7"}),
        ("/a/b", "/{proxy+}", {"proxy": "a/b"}),
    ],
)
def test_path_of_a_resource_gives_its_parameters(path: str, resource: str, parameters: Any) -> None:
    events: list[Any] = []
    RestApi(lambda event, context: events.append(event), ["/items/{id}"])(url_event(path), None)
    assert (events[0]["resource"], events[0]["pathParameters"]) == (resource, parameters)
