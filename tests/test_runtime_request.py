"""Events to requests. Numbers in names are those of the list of what users of other adapters ran into."""

from __future__ import annotations

from typing import Any

import pytest

from lambent.runtime.request import NotHttp, Request, quote, read, unquote
from runtime_stand_in import make_event

HTTP_API = "abc123.execute-api.eu-west-1.amazonaws.com"


def headers_of(request: Request) -> dict[str, str]:
    return dict(request.headers)


def make_rest(path: str = "/", **over: Any) -> dict[str, Any]:
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "GET",
        "headers": {"Host": HTTP_API, "X-Forwarded-Proto": "https"},
        "multiValueHeaders": {"Host": [HTTP_API], "X-Forwarded-Proto": ["https"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {
            "path": f"/prod{path}",
            "stage": "prod",
            "identity": {"sourceIp": "203.0.113.7"},
            "protocol": "HTTP/1.1",
        },
        "body": None,
        "isBase64Encoded": False,
    } | over


def make_elb(path: str = "/", **over: Any) -> dict[str, Any]:
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:x"}},
        "httpMethod": "GET",
        "path": path,
        "queryStringParameters": {},
        "headers": {
            "host": "lb",
            "x-forwarded-for": "198.51.100.1, 203.0.113.7",
            "x-forwarded-port": "80",
            "x-forwarded-proto": "http",
        },
        "body": "",
        "isBase64Encoded": False,
    } | over


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
def test_pain_17_events_without_headers(headers: Any) -> None:
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
def test_pain_18_events_that_are_not_http(event: Any) -> None:
    with pytest.raises(NotHttp, match="not an HTTP request"):
        read(event, None)


def test_pain_21_cookies_are_taken_from_one_place() -> None:
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
def test_pain_24_odd_hosts_and_ports(host: str, port: str | None, server: tuple[str, int]) -> None:
    event = make_event(headers={"host": host})
    del event["headers"]["x-forwarded-port"]
    if port is not None:
        event["headers"]["x-forwarded-port"] = port
    assert read(event, None).server == server


@pytest.mark.parametrize(
    ("protocol", "version"), [("HTTP/1.1", "1.1"), ("HTTP/1.0", "1.0"), ("HTTP/2.0", "2.0"), (None, "1.1")]
)
def test_pain_26_http_version(protocol: str | None, version: str) -> None:
    assert read(make_event(protocol=protocol), None).http_version == version


def test_pain_30_binary_bodies_and_their_length() -> None:
    request = read(make_event("POST", body=b"\x00\xff", headers={"content-length": "4"}), None)
    assert request.body == b"\x00\xff"
    assert headers_of(request)["content-length"] == "2"
    assert "content-length" not in headers_of(read(make_event(), None))


def test_pain_33_stage_is_the_root_path_on_a_segment_boundary() -> None:
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
def test_pain_34_and_35_paths_are_decoded_once(domain: str, raw: str, path: str, decoded: bytes) -> None:
    request = read(make_event(path=raw, domain=domain), None)
    assert request.path == path
    assert unquote(request.path) == decoded


def test_quote_and_unquote_are_inverse() -> None:
    for text in ("/", "/a b", "/ü/€/😀", "/%25", "/a%", "/(x),;=:@&+$!*'~._-"):
        assert unquote(quote(text)) == text.encode()


def test_pain_36_queries() -> None:
    assert read(make_event(query="a=1&a=2&b=x%20y&c=%2B+"), None).query == "a=1&a=2&b=x%20y&c=%2B+"
    assert read(make_elb(queryStringParameters={"a": "x%20y", "b": "%26"}), None).query == "a=x%20y&b=%26"
    assert read(make_elb(multiValueQueryStringParameters={"a": ["1", "%C3%BC"]}), None).query == "a=1&a=%C3%BC"
    assert read(make_rest(multiValueQueryStringParameters={"a": ["1", "ü &"]}), None).query == "a=1&a=%C3%BC%20%26"


def test_pain_38_client_address() -> None:
    assert read(make_event(), None).client == "203.0.113.7"
    assert read(make_rest(), None).client == "203.0.113.7"
    assert read(make_elb(), None).client == "203.0.113.7"


def test_forms_of_answer() -> None:
    assert read(make_rest(), None).form == "1.0"
    assert read(make_elb(), None).form == "elb"
    assert read(make_elb(multiValueHeaders={"host": ["lb"]}), None).form == "elb-multi"
