"""The same answer as a real server: raw apps that say what they saw, or answer what they are told, asked generated requests.

Once under uvicorn or waitress, and once through each kind of Function URL. What may differ is in differential_rules.py.
`LAMBENT_EXAMPLES=2000` asks that many requests, other ones each time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import differential_rules as rules
from support.differential_cases import METHODS, Plan, asks, examples, plans, told
from support.differential_sites import STREAMED, Lab, Project, Sites, lab
from support.paths import DOCS
from support.wire import Ask

MANY = examples(100)
LARGE = 4_300_000


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab("raw", tmp_path_factory.mktemp("raw")) as made:
        yield made


@pytest.fixture(scope="module")
def asgi(raw: Lab) -> Iterator[Sites]:
    with raw.sites(Project("raw_asgi", "asgi")) as sites:
        yield sites


@pytest.fixture(scope="module")
def wsgi(raw: Lab) -> Iterator[Sites]:
    with raw.sites(Project("raw_wsgi", "wsgi")) as sites:
        yield sites


def same_request(sites: Sites, one: Ask, seen: rules.See) -> None:
    """The app saw the same."""
    mine = sites.server.ask(one)
    for variant, wire in sites.urls.items():
        theirs = rules.nameless(wire.ask(one), wire)
        assert theirs.status == mine.status, (variant, theirs)
        if mine.status == 200 and one.method != "HEAD":
            assert seen(theirs) == seen(mine), variant


def same_answer(sites: Sites, one: Ask) -> None:
    """The client got the same."""
    mine = sites.server.ask(one)
    for variant, wire in sites.urls.items():
        left, right = rules.compared(one, mine, rules.nameless(wire.ask(one), wire), variant)
        assert right == left, variant


TELLING = [
    Ask(target="/a%20b/%C3%BC/%2F/%25/~'!$&()*+,;=:@?x=1&x=%20&y=%2B+&z"),
    Ask(target="/%E2%82%AC/%FF/bad%zz%"),
    Ask(target="//double//slash/./.."),
    Ask(target="/?a=b?c/d"),
    Ask(target="/_lambent/status"),
    Ask(target="/_url/abc/2015-03-31/functions"),
    Ask(headers=(("X-Mixed-Case", "One, Two"), ("Cookie", 'a=1; b="2"; c'), ("Accept", "*/*"))),
    Ask(headers=(("X-Many", "1"), ("Accept", "a"), ("x-many", "2"), ("X-MANY", "3,4"), ("X-Empty", ""))),
    Ask(headers=(("X-Utf-8", "\xc3\xbc"), ("X-Latin-1", "caf\xe9"), ("X-Neither", "\xff\xfe\xa4"))),
    Ask("POST", "/", (("Content-Type", "text/plain; charset=utf-8"),), "ü€😀\0".encode()),
    Ask("POST", "/", (("Content-Type", "text/plain"),), b"said to be text, \xff\xfe"),
    Ask("POST", "/", (("Content-Type", "application/x-www-form-urlencoded"),), b"a=1&a=%C3%BC+"),
    Ask("POST", "/", (("Content-Type", "application/json"), ("Content-Encoding", "gzip")), b"\x1f\x8b\x08\x00"),
    Ask("POST", "/", (), b"in three chunks", (3, 7)),
    Ask("POST", "/", (), b"", ()),
    Ask("POST", "/", (("Content-Length", "0"),)),
    Ask("GET", "/", (), b"a GET with a body"),
    Ask("DELETE", "/", (), b"x"),
    Ask("PUT", "/", (("Content-Type", "application/octet-stream"),), os.urandom(LARGE)),
    Ask("PUT", "/", (("Content-Type", "text/plain"),), "ü€".encode() * (LARGE // 5), (1 << 16,) * 40),
]


@pytest.mark.parametrize("one", TELLING, ids=lambda one: f"{one.method} {one.target} {len(one.body)}")
def test_the_app_sees_the_same(asgi: Sites, wsgi: Sites, one: Ask) -> None:
    same_request(asgi, one, rules.scope)
    same_request(wsgi, one, rules.environ)


@pytest.mark.parametrize("way", ["length", "all", "line", "lines", "bits", "iter"])
@pytest.mark.parametrize("cuts", [None, (5, 2000)])
def test_a_wsgi_app_may_read_as_it_likes(wsgi: Sites, way: str, cuts: tuple[int, ...] | None) -> None:
    lines = b"".join(b"line %d\n" % number for number in range(2000))
    same_request(wsgi, Ask("POST", "/", (("X-Read", way),), lines, cuts), rules.environ)


ANSWERS: list[Plan] = [
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
@pytest.mark.parametrize("plan", ANSWERS, ids=lambda plan: json.dumps(plan)[:60])
def test_the_client_gets_the_same(asgi: Sites, wsgi: Sites, plan: Plan, method: str) -> None:
    whole = {"status": 200, "chunks": []} | plan
    same_answer(asgi, told(whole, method))
    same_answer(wsgi, told(whole, method))


def test_an_app_that_raises(asgi: Sites, wsgi: Sites) -> None:
    """uvicorn's answer word for word; waitress has a text of its own."""
    plan = {"status": 200, "headers": [], "chunks": [], "raise": "before"}
    same_answer(asgi, told(plan))
    for variant, wire in wsgi.urls.items():
        got = wire.ask(told(plan))
        assert (got.status, got.body) == (500, b"Internal Server Error"), variant
    assert wsgi.server.ask(told(plan)).status == 500


def test_an_answer_that_breaks_off(asgi: Sites) -> None:
    """A server hangs up. Lambda says 500, if it has not sent anything yet; else it ends the answer as if it were whole."""
    plan = {"status": 200, "headers": [], "chunks": [["text", "half", 1]], "raise": "after"}
    assert not asgi.server.ask(told(plan)).complete
    for variant, wire in asgi.urls.items():
        got = wire.ask(told(plan))
        said = (200, b"half") if variant == STREAMED else (500, b"Internal Server Error")
        assert (got.status, got.body, got.complete) == (*said, True), variant


@pytest.mark.parametrize("name", sorted(rules.RENAMED - {"connection", "keep-alive", "te", "trailer", "upgrade"}))
def test_headers_of_the_front_are_renamed(asgi: Sites, name: str) -> None:
    ask = told({"status": 401, "headers": [[name, "Basic own"]], "chunks": []})
    assert "Basic own" in asgi.server.ask(ask).values(name)
    for variant, wire in asgi.urls.items():
        got = wire.ask(ask)
        assert "Basic own" not in got.values(name), variant
        assert got.values(f"x-amzn-remapped-{name}") == ["Basic own"], variant


@MANY
@given(asks())
def test_an_asgi_app_sees_the_same(asgi: Sites, one: Ask) -> None:
    same_request(asgi, one, rules.scope)


@MANY
@given(plans("before", "late"), st.sampled_from(METHODS))
def test_an_asgi_apps_answer_is_the_same(asgi: Sites, plan: Plan, method: str) -> None:
    same_answer(asgi, told(plan, method))


@MANY
@given(asks())
def test_a_wsgi_app_sees_the_same(wsgi: Sites, one: Ask) -> None:
    same_request(wsgi, one, rules.environ)


@MANY
@given(plans("replaced"), st.sampled_from(METHODS))
def test_a_wsgi_apps_answer_is_the_same(wsgi: Sites, plan: Plan, method: str) -> None:
    same_answer(wsgi, told(plan, method))


def test_the_listed_differences_are_documented() -> None:
    page = (DOCS / "explanation/differential-tests.md").read_text()
    named = rules.OF_THE_CONNECTION | rules.RENAMED | rules.ADDED | rules.ENVIRON_OF_THE_SERVER
    own = {name for name in named if name.startswith("x-amzn-remapped-")}
    assert not [name for name in named - own if f"`{name}`" not in page]


def test_each_variant_is_what_it_says(asgi: Sites) -> None:
    """Only the streamed answer has no length."""
    plan = {"status": 200, "headers": [], "chunks": [["text", "x", 1]]}
    chunked = {variant for variant, wire in asgi.urls.items() if wire.ask(told(plan)).values("transfer-encoding")}
    assert chunked == {STREAMED}
