"""From events to requests, with the cases that users of other adapters reported as bugs."""

from __future__ import annotations

from typing import Any

import pytest

from lambent.runtime.request import NotHttp, Request, quote, read, unquote
from support.gateway_events import HTTP_API, make_elb, make_rest
from support.runtime_api_stub import make_event


def headers_of(request: Request) -> dict[str, str]:
    return dict(request.headers)


def test_function_url_event() -> None:
    request = read(make_event("PUT", "/a", query="x=1", body="ü", headers={"x-a": "1,2"}), "context")
    assert (request.method, request.path, request.query, request.body) == ("PUT", "/a", "x=1", "ü".encode())
    assert (request.client, request.scheme, request.http_version) == ("203.0.113.7", "https", "1.1")
    assert headers_of(request)["x-a"] == "1,2"
    assert headers_of(request)["content-length"] == "2"
    assert (request.form, request.root_path, request.context) == ("2.0", "", "context")


def test_a_captured_function_url_event() -> None:
    """As AWS sent it in July 2026 (hotsock/voker, vokerhttp/testdata), cut to what matters here."""
    domain = "u.lambda-url.us-west-2.on.aws"
    query = "repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb&literalPlus=a+b&encodedPlus=a%2Bb&empty="
    headers = {
        "cookie": "session=abc123; theme=dark",
        "content-type": "application/json",
        "host": domain,
        "x-forwarded-for": "203.0.113.7",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
        "x-voker-probe": "first,second",
    }
    http = {"method": "POST", "path": "/capture/space value", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7"}
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/capture/space%20value",
        "rawQueryString": query,
        "cookies": ["session=abc123", "theme=dark"],
        "headers": headers,
        "queryStringParameters": {"literalPlus": "a b", "repeat": "one,two"},
        "requestContext": {"accountId": "anonymous", "domainName": domain, "http": http, "stage": "$default"},
        "body": '{"message":"lambda-λ"}',
        "isBase64Encoded": False,
    }
    request = read(event, None)
    assert (request.path, unquote(request.path), request.query) == ("/capture/space%20value", b"/capture/space value", query)
    assert request.headers == [*headers.items(), ("content-length", "23")]
    assert request.body == '{"message":"lambda-λ"}'.encode()
    assert (request.server, request.scheme, request.client) == ((domain, 443), "https", "203.0.113.7")


@pytest.mark.parametrize("headers", [None, {}, "absent"])
def test_events_without_headers(headers: Any) -> None:
    event = make_event(path="/x")
    if headers == "absent":
        del event["headers"]
    else:
        event["headers"] = headers
    request = read(event, None)
    assert (request.headers, request.path, request.scheme) == ([], "/x", "https")
    assert request.server == (event["requestContext"]["domainName"], 443)


@pytest.mark.parametrize(
    "event",
    [
        {},
        None,
        [],
        "x",
        3,
        {"Records": []},
        {"source": "aws.events", "detail": {}},
        {"requestContext": None},
        {"requestContext": {}},
    ],
)
def test_events_that_are_not_http(event: Any) -> None:
    with pytest.raises(NotHttp, match="not an HTTP request"):
        read(event, None)


def test_cookies_are_taken_from_one_place() -> None:
    twice = read(make_event(cookies=["a=1", "b=2"]), None)
    assert [value for name, value in twice.headers if name == "cookie"] == ["a=1; b=2"]
    event = make_event(cookies=["a=1", "b=2"], domain=HTTP_API)
    del event["headers"]["cookie"]
    assert headers_of(read(event, None))["cookie"] == "a=1; b=2"


@pytest.mark.parametrize(
    ("host", "port", "server"),
    [
        ("example.org", "443, 443", ("example.org", 443)),
        ("example.org", "8443", ("example.org", 8443)),
        ("example.org", None, ("example.org", 443)),
        ("example.org", "x", ("example.org", 443)),
        ("[::1]:3000", "443", ("::1", 3000)),
        ("[::1]", "443", ("::1", 443)),
        ("localhost:4580", "1", ("localhost", 4580)),
        ("x:y", None, ("x:y", 443)),
    ],
)
def test_odd_hosts_and_ports(host: str, port: str | None, server: tuple[str, int]) -> None:
    event = make_event(headers={"host": host})
    del event["headers"]["x-forwarded-port"]
    if port is not None:
        event["headers"]["x-forwarded-port"] = port
    assert read(event, None).server == server


@pytest.mark.parametrize(
    ("protocol", "version"), [("HTTP/1.1", "1.1"), ("HTTP/1.0", "1.0"), ("HTTP/2.0", "2.0"), (None, "1.1")]
)
def test_http_version(protocol: str | None, version: str) -> None:
    assert read(make_event(protocol=protocol), None).http_version == version


def test_binary_bodies_and_their_length() -> None:
    request = read(make_event("POST", body=b"\x00\xff", headers={"content-length": "4"}), None)
    assert request.body == b"\x00\xff"
    assert headers_of(request)["content-length"] == "2"
    assert "content-length" not in headers_of(read(make_event(), None))


def test_stage_is_the_root_path_on_a_segment_boundary() -> None:
    request = read(make_event(path="/dev/x", domain=HTTP_API, stage="dev"), None)
    assert (request.path, request.root_path) == ("/dev/x", "/dev")
    assert read(make_event(path="/development/x", domain=HTTP_API, stage="dev"), None).root_path == ""
    assert read(make_event(path="/dev/x", domain="api.example.org", stage="dev"), None).root_path == ""
    assert read(make_event(path="/$default/x", domain=HTTP_API), None).root_path == ""
    rest = read(make_rest("/x"), None)
    assert (rest.path, rest.root_path) == ("/prod/x", "/prod")
    assert read(make_rest("/"), None).path == "/prod/"


@pytest.mark.parametrize(
    ("domain", "raw", "path", "decoded"),
    [
        ("u.lambda-url.eu-west-1.on.aws", "/a%2525", "/a%2525", b"/a%25"),
        ("u.lambda-url.eu-west-1.localhost:4580", "/a%2525", "/a%2525", b"/a%25"),
        (HTTP_API, "/a%25", "/a%2525", b"/a%25"),
        (HTTP_API, "/a b/ü", "/a%20b/%C3%BC", "/a b/ü".encode()),
        ("u.lambda-url.eu-west-1.on.aws", "/pa2%Fth/1%", "/pa2%Fth/1%", b"/pa2%Fth/1%"),
        ("u.lambda-url.eu-west-1.on.aws", "/a%2Fb", "/a%2Fb", b"/a/b"),
        ("u.lambda-url.eu-west-1.on.aws", "", "/", b"/"),
    ],
)
def test_paths_are_decoded_once(domain: str, raw: str, path: str, decoded: bytes) -> None:
    request = read(make_event(path=raw, domain=domain), None)
    assert request.path == path
    assert unquote(request.path) == decoded


def test_quote_and_unquote_are_inverse() -> None:
    for text in ("/", "/a b", "/ü/€/😀", "/%25", "/a%", "/(x),;=:@&+$!*'~._-"):
        assert unquote(quote(text)) == text.encode()


def test_queries() -> None:
    assert read(make_event(query="a=1&a=2&b=x%20y&c=%2B+"), None).query == "a=1&a=2&b=x%20y&c=%2B+"
    assert read(make_elb(queryStringParameters={"a": "x%20y", "b": "%26"}), None).query == "a=x%20y&b=%26"
    assert read(make_elb(multiValueQueryStringParameters={"a": ["1", "%C3%BC"]}), None).query == "a=1&a=%C3%BC"
    assert read(make_rest(multiValueQueryStringParameters={"a": ["1", "ü &"]}), None).query == "a=1&a=%C3%BC+%26"


def test_client_address() -> None:
    assert read(make_event(), None).client == "203.0.113.7"
    assert read(make_rest(), None).client == "203.0.113.7"
    assert read(make_elb(), None).client == "203.0.113.7"


def test_forms_of_answer() -> None:
    assert read(make_rest(), None).form == "1.0"
    assert read(make_elb(), None).form == "elb"
    assert read(make_elb(multiValueHeaders={"host": ["lb"]}), None).form == "elb-multi"


def _holes(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The paths of all fields of an event, at any depth."""
    if not isinstance(value, dict):
        return []
    return [deeper for key, inner in value.items() for deeper in ((*path, key), *_holes(inner, (*path, key)))]


def _without(event: dict[str, Any], path: tuple[str, ...], filling: Any) -> dict[str, Any]:
    """A copy with one field null, or (`filling` is ...) missing."""
    copy = dict(event)
    if len(path) > 1:
        copy[path[0]] = _without(copy[path[0]], path[1:], filling)
    elif filling is ...:
        del copy[path[0]]
    else:
        copy[path[0]] = filling
    return copy


EVENTS = {
    "function url": make_event("PUT", "/a", query="x=1", body="ü", cookies=["a=1"]),
    "http api": make_event("PUT", "/dev/a", query="x=1", body=b"\0", domain=HTTP_API, stage="dev"),
    "rest": make_rest("/a", multiValueQueryStringParameters={"a": ["1", "2"]}, body="x"),
    "balancer": make_elb("/a", queryStringParameters={"a": "1"}, body="x"),
    "balancer, several values": make_elb(
        "/a", multiValueHeaders={"host": ["lb"]}, multiValueQueryStringParameters={"a": ["1"]}
    ),
}
WHAT_TELLS = {("requestContext",), ("requestContext", "http"), ("requestContext", "elb"), ("httpMethod",)}
"""Without these an event may be another kind's, or no HTTP request any more."""


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize("filling", [None, ...], ids=["null", "missing"])
def test_any_field_may_be_missing_or_null(kind: str, filling: Any) -> None:
    event = EVENTS[kind]
    whole = read(event, None)
    holes = _holes(event)
    assert len(holes) > 12
    for path in holes:
        try:
            request = read(_without(event, path, filling), None)
        except NotHttp:
            assert path in WHAT_TELLS, path
            continue
        # still all there, and of the kinds the hosts need
        assert isinstance(request.body, bytes), path
        assert request.path.startswith("/") and request.path.isascii(), path
        assert all(isinstance(name, str) and isinstance(value, str) for name, value in request.headers), path
        assert request.form[:3] == whole.form[:3] or path in WHAT_TELLS, path
        assert request.server[0] and request.scheme and request.http_version, path


def test_a_test_typed_by_hand() -> None:
    assert read({"httpMethod": "GET", "path": "/a"}, None).form == "1.0"
    assert read({"version": "2.0", "rawPath": "/a%2Fb"}, None).path == "/a%2Fb"
    typed = read({"httpMethod": "POST", "body": {"a": [1]}, "headers": {"X-Number": 3, "X-Null": None}}, None)
    assert typed.body == b'{"a": [1]}'
    assert headers_of(typed) == {"x-number": "3", "x-null": "", "content-length": "10"}
    assert (typed.server, typed.client) == (("localhost", 443), "")


@pytest.mark.parametrize(
    "event",
    [
        {"type": "REQUEST", "methodArn": "arn:x", "httpMethod": "GET", "path": "/", "requestContext": {"stage": "prod"}},
        make_event(type="REQUEST", routeArn="arn:x"),
        {"type": "TOKEN", "methodArn": "arn:x", "authorizationToken": "t"},
        {"requestContext": {"routeKey": "$connect", "eventType": "CONNECT", "connectionId": "c"}, "isBase64Encoded": False},
        {"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}},
    ],
    ids=["authorizer", "authorizer 2.0", "token authorizer", "web socket", "schedule"],
)
def test_events_with_the_looks_of_http(event: dict[str, Any]) -> None:
    with pytest.raises(NotHttp, match=r"\[tool.lambent\] events"):
        read(event, None)


@pytest.mark.parametrize(
    ("path", "base", "root", "result"),
    [
        ("/api/x", "/api", "/api", "/api/x"),
        ("/api", "/api", "/api", "/api/"),
        ("/api/", "/api", "/api", "/api/"),
        ("/apiv2/x", "/api", "", "/apiv2/x"),
        ("/x", "/api", "", "/x"),
        ("/a/b/x", "/a/b", "/a/b", "/a/b/x"),
        ("/%C3%BC/x", "/ü", "/ü", "/%C3%BC/x"),
        ("/api/a%2Fb", "/api", "/api", "/api/a%2Fb"),
    ],
)
def test_base_path_on_a_segment_boundary(path: str, base: str, root: str, result: str) -> None:
    request = read(make_event(path=path), None, base)
    assert (request.root_path, request.path) == (root, result)


def test_base_path_behind_the_stage() -> None:
    rest = read(make_rest("/api/x"), None, "/api")
    assert (rest.root_path, rest.path) == ("/prod/api", "/prod/api/x")
    http_api = read(make_event(path="/dev/api/x", domain=HTTP_API, stage="dev"), None, "/api")
    assert (http_api.root_path, http_api.path) == ("/dev/api", "/dev/api/x")
    own_domain = read(make_rest("/api/x", requestContext={"path": "/api/x"}), None, "/api")
    assert (own_domain.root_path, own_domain.path) == ("/api", "/api/x")


def test_a_header_in_one_field_only_is_not_lost() -> None:
    """As in the sample event of AWS's documentation, where only `headers` has the host."""
    event = make_rest(headers={"Host": "h", "Accept": "a"}, multiValueHeaders={"Accept": ["a", "b"]})
    assert read(event, None).headers == [("accept", "a"), ("accept", "b"), ("host", "h")]


def test_an_http_api_of_payload_1_hands_over_a_decoded_path() -> None:
    event = make_rest("/a%25 b", version="1.0", requestContext={"apiId": "x", "path": "/a%25 b"})
    assert read(event, None).path == "/a%2525%20b"
    assert read({"version": "1.0", "httpMethod": "GET", "path": "/a%25"}, None).path == "/a%25"
