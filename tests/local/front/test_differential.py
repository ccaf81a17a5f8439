"""The same response as a real server, from raw apps that return what they saw, or answer by a plan.

Each request goes to uvicorn or waitress, and to each kind of Function URL. differential_rules.py has the allowed differences.
`LAMBENT_EXAMPLES=2000` sends that many requests, other ones each time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import differential_rules as rules
from support.differential_cases import METHODS, Plan, examples, plans, request_for, requests
from support.differential_sites import STREAMED, Project, SiteBuilder, Sites, site_builder
from support.paths import DOCS
from support.raw_http import Request

MANY = examples(50)
LARGE = 4_300_000


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteBuilder]:
    with site_builder("raw", tmp_path_factory.mktemp("raw")) as builder:
        yield builder


@pytest.fixture(scope="module")
def asgi(raw: SiteBuilder) -> Iterator[Sites]:
    with raw.sites(Project("raw_asgi", "asgi")) as sites:
        yield sites


@pytest.fixture(scope="module")
def wsgi(raw: SiteBuilder) -> Iterator[Sites]:
    with raw.sites(Project("raw_wsgi", "wsgi")) as sites:
        yield sites


def assert_same_request(sites: Sites, request: Request, view: rules.View) -> None:
    """Check that the app sees the same request. `view` reads what it saw from its response."""
    expected = sites.server.send(request)
    for variant, client in sites.urls.items():
        actual = rules.with_server_id(client.send(request), client)
        assert actual.status == expected.status, (variant, actual)
        if expected.status == 200 and request.method != "HEAD":
            assert view(actual) == view(expected), variant


REQUESTS = [
    Request(target="/a%20b/%C3%BC/%2F/%25/~'!$&()*+,;=:@?x=1&x=%20&y=%2B+&z"),
    Request(target="/%E2%82%AC/%FF/bad%zz%"),
    Request(target="//double//slash/./.."),
    Request(target="/?a=b?c/d"),
    Request(target="/_lambent/status"),
    Request(target="/_url/abc/2015-03-31/functions"),
    Request(headers=(("X-Mixed-Case", "One, Two"), ("Cookie", 'a=1; b="2"; c'), ("Accept", "*/*"))),
    Request(headers=(("X-Many", "1"), ("Accept", "a"), ("x-many", "2"), ("X-MANY", "3,4"), ("X-Empty", ""))),
    Request(headers=(("X-Utf-8", "\xc3\xbc"), ("X-Latin-1", "caf\xe9"), ("X-Neither", "\xff\xfe\xa4"))),
    Request("POST", "/", (("Content-Type", "text/plain; charset=utf-8"),), "ü€😀\0".encode()),
    Request("POST", "/", (("Content-Type", "text/plain"),), b"not the text it claims to be, \xff\xfe"),
    Request("POST", "/", (("Content-Type", "application/x-www-form-urlencoded"),), b"a=1&a=%C3%BC+"),
    Request("POST", "/", (("Content-Type", "application/json"), ("Content-Encoding", "gzip")), b"\x1f\x8b\x08\x00"),
    Request("POST", "/", (), b"in three chunks", (3, 7)),
    Request("POST", "/", (), b"", ()),
    Request("POST", "/", (("Content-Length", "0"),)),
    Request("GET", "/", (), b"a GET with a body"),
    Request("DELETE", "/", (), b"x"),
    Request("PUT", "/", (("Content-Type", "application/octet-stream"),), os.urandom(LARGE)),
    Request("PUT", "/", (("Content-Type", "text/plain"),), "ü€".encode() * (LARGE // 5), (1 << 16,) * 40),
]


@pytest.mark.parametrize("sent", REQUESTS, ids=lambda sent: f"{sent.method} {sent.target} {len(sent.body)}")
def test_app_sees_the_same_request(asgi: Sites, wsgi: Sites, sent: Request) -> None:
    assert_same_request(asgi, sent, rules.scope)
    assert_same_request(wsgi, sent, rules.environ)


@pytest.mark.parametrize("read_method", ["length", "all", "line", "lines", "bits", "iter"])
@pytest.mark.parametrize("cuts", [None, (5, 2000)])
def test_wsgi_app_may_read_in_any_way(wsgi: Sites, read_method: str, cuts: tuple[int, ...] | None) -> None:
    lines = b"".join(b"line %d\n" % number for number in range(2000))
    assert_same_request(wsgi, Request("POST", "/", (("X-Read", read_method),), lines, cuts), rules.environ)


PLANS: list[Plan] = [
    {"chunks": [["fill", 7, LARGE]], "headers": [["content-type", "image/png"]]},
    {"chunks": [["text", "ü€ <&> ", LARGE // 10]], "headers": [["content-type", "text/html"]], "length": True},
    {"chunks": [["fill", 0, LARGE]], "headers": [["content-type", "text/plain"]]},
    {"chunks": [["text", '"', LARGE]], "headers": [["content-type", "text/plain"]]},
    {"chunks": [["fill", number, 10] for number in range(256)], "headers": []},
    {"headers": [["set-cookie", f"c{number}={number}; Path=/, x"] for number in range(30)]},
    {"headers": [["x-many", "1"], ["link", "</a>"], ["X-Many", "2"], ["link", "</b>"], ["x-empty", ""]]},
    {"headers": [["content-disposition", "attachment; filename=caf\xe9"], ["x-utf-8", "\xc3\xbc"]]},
    {"status": 304, "headers": [["etag", '"x"']]},
    {"status": 204, "headers": [["x", "y"]]},
    {"status": 599, "headers": [], "chunks": [["text", "odd", 1]]},
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: json.dumps(plan)[:60])
def test_client_gets_the_same_response(asgi: Sites, wsgi: Sites, plan: Plan, method: str) -> None:
    complete = {"status": 200, "chunks": []} | plan
    rules.assert_same_response(asgi, request_for(complete, method))
    rules.assert_same_response(wsgi, request_for(complete, method))


def test_app_that_raises_before_it_answers(asgi: Sites, wsgi: Sites) -> None:
    """The body is the same as uvicorn's; waitress has another text."""
    plan = {"status": 200, "headers": [], "chunks": [], "raise": "before"}
    rules.assert_same_response(asgi, request_for(plan))
    for variant, client in wsgi.urls.items():
        response = client.send(request_for(plan))
        assert (response.status, response.body) == (500, b"Internal Server Error"), variant
    assert wsgi.server.send(request_for(plan)).status == 500


def test_app_that_raises_in_the_middle_of_its_answer(asgi: Sites) -> None:
    """A server disconnects. Lambda answers 500 if it hasn't sent anything; otherwise the response looks complete."""
    plan = {"status": 200, "headers": [], "chunks": [["text", "half", 1]], "raise": "after"}
    assert not asgi.server.send(request_for(plan)).complete
    for variant, client in asgi.urls.items():
        response = client.send(request_for(plan))
        expected = (200, b"half") if variant == STREAMED else (500, b"Internal Server Error")
        assert (response.status, response.body, response.complete) == (*expected, True), variant


@pytest.mark.parametrize("name", sorted(rules.RENAMED - {"connection", "keep-alive", "te", "trailer", "upgrade"}))
def test_headers_of_the_front_end_are_renamed(asgi: Sites, name: str) -> None:
    sent = request_for({"status": 401, "headers": [[name, "Basic own"]], "chunks": []})
    assert "Basic own" in asgi.server.send(sent).values(name)
    for variant, client in asgi.urls.items():
        response = client.send(sent)
        assert "Basic own" not in response.values(name), variant
        assert response.values(f"x-amzn-remapped-{name}") == ["Basic own"], variant


@MANY
@given(requests())
def test_asgi_app_sees_the_same_generated_request(asgi: Sites, sent: Request) -> None:
    assert_same_request(asgi, sent, rules.scope)


@MANY
@given(plans("before", "late"), st.sampled_from(METHODS))
def test_planned_response_of_an_asgi_app_is_the_same(asgi: Sites, plan: Plan, method: str) -> None:
    rules.assert_same_response(asgi, request_for(plan, method))


@MANY
@given(requests())
def test_wsgi_app_sees_the_same_generated_request(wsgi: Sites, sent: Request) -> None:
    assert_same_request(wsgi, sent, rules.environ)


@MANY
@given(plans("replaced"), st.sampled_from(METHODS))
def test_planned_response_of_a_wsgi_app_is_the_same(wsgi: Sites, plan: Plan, method: str) -> None:
    rules.assert_same_response(wsgi, request_for(plan, method))


def test_allowed_differences_are_documented() -> None:
    page = (DOCS / "explanation/differential-tests.md").read_text()
    names = rules.OF_THE_CONNECTION | rules.RENAMED | rules.ADDED | rules.ENVIRON_OF_THE_SERVER
    renamed = {name for name in names if name.startswith("x-amzn-remapped-")}
    assert not [name for name in names - renamed if f"`{name}`" not in page]


def test_only_the_streamed_variant_streams(asgi: Sites) -> None:
    """Only a streamed response has no length."""
    plan = {"status": 200, "headers": [], "chunks": [["text", "x", 1]]}
    chunked = {variant for variant, client in asgi.urls.items() if client.send(request_for(plan)).values("transfer-encoding")}
    assert chunked == {STREAMED}
