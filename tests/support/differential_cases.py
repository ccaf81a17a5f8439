"""Hypothesis strategies: requests, and plans of responses for the raw apps."""

from __future__ import annotations

import base64
import json
import os
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from support.raw_http import Request

Plan = dict[str, Any]


def examples(count: int) -> settings:
    """Run the same `count` examples each time, or LAMBENT_EXAMPLES random ones."""
    random_count = os.environ.get("LAMBENT_EXAMPLES")
    suppressed = list(HealthCheck)
    return settings(
        max_examples=int(random_count or count),
        derandomize=not random_count,
        deadline=None,
        database=None,
        suppress_health_check=suppressed,
    )


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND")
BODY_TYPES = (
    None,
    "application/json",
    "text/plain; charset=utf-8",
    "TEXT/HTML",
    "application/octet-stream",
    "application/xml",
    "application/vnd.api+json",
    "image/png",
)
RESPONSE_TYPES = (
    *BODY_TYPES,
    "text/csv; charset=iso-8859-1",
    "application/problem+json",
    "image/svg+xml",
    "text/event-stream",
    "x",
)
RESPONSE_NAMES = (
    "Access-Control-Allow-Origin", "Allow", "Cache-Control", "Content-Disposition", "Content-Language", "Content-Range", "ETag",
    "Expires", "Last-Modified", "Link", "Location", "Retry-After", "Set-Cookie", "set-cookie", "Strict-Transport-Security",
    "Vary", "X-Odd!#$%&'*+.^_`|~Name", "X_Under",
)  # fmt: skip
REQUEST_NAMES = (
    "Accept", "Accept-Language", "Authorization", "If-None-Match", "Origin", "Range", "Referer", "User-Agent", "Via",
    "X-Twice", "x-twice", "x_under",
)  # fmt: skip

_TOKEN = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", min_size=1, max_size=12)
_WORD = st.text("abcXYZ019-._~!$&'()*+,;=:@", max_size=8)
_UNICODE = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
_ODD = (
    "..",
    ".",
    "",
    "%",
    "%%",
    "%zz",
    "%2",
    "%2F",
    "%2f",
    "%25",
    "%2525",
    "%00",
    "%0a",
    "%FF",
    "%C3%BC",
    "%c3",
    "_url",
    "_lambent",
    "2015-03-31",
)
_SEGMENT = st.one_of(_WORD, _UNICODE.map(lambda text: quote(text, safe="")), st.sampled_from(_ODD))
PATHS = st.lists(_SEGMENT, max_size=5).map(lambda parts: "/" + "/".join(parts))

_QUERY_PART = st.one_of(
    st.text("abcXYZ019-._~!$&'()*+,;=:@/?%[]{}|^`\"<>", max_size=12),
    _UNICODE.map(lambda text: quote(text, safe="")),
    st.lists(st.tuples(st.sampled_from("abc"), _UNICODE), max_size=4).map(urlencode),
)
QUERIES = st.one_of(st.none(), st.lists(_QUERY_PART, max_size=4).map("&".join))
TARGETS = st.builds(lambda path, query: path if query is None else f"{path}?{query}", PATHS, QUERIES)

VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=20).filter(
    lambda text: not any("\x7f" <= char < "\xa0" for char in text) and text == text.strip(" \t")
)
_PAIR = st.tuples(st.one_of(_TOKEN.map(lambda name: f"X-{name}"), st.sampled_from(REQUEST_NAMES)), VALUES)
_COOKIES = st.lists(st.tuples(_TOKEN, st.text('abc019="%!', max_size=6)), min_size=1, max_size=4).map(
    lambda pairs: ("Cookie", "; ".join(f"{name}={value}" for name, value in pairs))
)


@st.composite
def _multipart(draw: st.DrawFn) -> tuple[str, bytes]:
    parts = draw(st.lists(st.tuples(_TOKEN, st.one_of(st.none(), _TOKEN), st.binary(max_size=60)), max_size=4))
    lines = []
    for name, file, content in parts:
        more = f'; filename="{file}.bin"\r\nContent-Type: application/octet-stream' if file else ""
        content = content if file else content.hex().encode()
        lines.append(f'--BoUnD\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + content + b"\r\n")
    return "multipart/form-data; boundary=BoUnD", b"".join(lines) + b"--BoUnD--\r\n"


_FORM = st.lists(st.tuples(_UNICODE, _UNICODE), max_size=4).map(
    lambda pairs: ("application/x-www-form-urlencoded", urlencode(pairs).encode())
)
_CONTENT = st.one_of(st.binary(max_size=80), _UNICODE.map(str.encode), st.just(b'{"a": [1, "\xc3\xbc"]}'))
_TYPED = st.one_of(
    st.tuples(st.none(), st.just(b"")),
    st.tuples(st.sampled_from(BODY_TYPES), _CONTENT),
    _FORM,
    _multipart(),
)


@st.composite
def requests(draw: st.DrawFn, targets: st.SearchStrategy[str] = TARGETS, *, repeat: bool = True) -> Request:
    """Draw any request that a client may send. Without `repeat`, no header occurs twice."""
    content_type, body = draw(_TYPED)
    headers = draw(st.lists(_PAIR, max_size=5, unique_by=None if repeat else lambda pair: pair[0].lower()))
    if draw(st.booleans()):
        headers.append(draw(_COOKIES))
    if content_type is not None:
        headers.append(("Content-Type", content_type))
    cuts = draw(st.one_of(st.none(), st.lists(st.integers(1, 40), max_size=4).map(tuple)))
    if cuts is None and not body and draw(st.booleans()):
        headers.append(("Content-Length", "0"))
    return Request(draw(st.sampled_from(METHODS)), draw(targets), tuple(draw(st.permutations(headers))), body, cuts)


_CHUNK = st.one_of(
    st.binary(max_size=40).map(lambda data: ["hex", data.hex()]),
    st.tuples(st.just("text"), _UNICODE, st.integers(1, 50)).map(list),
    st.tuples(st.just("fill"), st.integers(0, 255), st.integers(0, 70_000)).map(list),
)


@st.composite
def plans(draw: st.DrawFn, *raises: str) -> Plan:
    """Draw the plan of a response. `raises` lists when the app may raise."""
    status = draw(st.one_of(st.sampled_from((200, 200, 201, 204, 206, 301, 304, 401, 404, 500, 503)), st.integers(200, 599)))
    headers = draw(
        st.lists(
            st.tuples(st.one_of(st.sampled_from(RESPONSE_NAMES), _TOKEN.map(lambda name: f"X-{name}")), VALUES), max_size=6
        )
    )
    content_type = draw(st.sampled_from(RESPONSE_TYPES))
    if content_type is not None:
        headers.append(("Content-Type", content_type))
    if draw(st.integers(0, 4)) == 0:
        headers.append(("Content-Encoding", draw(st.sampled_from(("gzip", "br", "identity")))))
    bodiless = status in (204, 304)
    return {
        "status": status,
        "headers": headers,
        "chunks": [] if bodiless else draw(st.lists(_CHUNK, max_size=4)),
        "length": not bodiless and draw(st.booleans()),
        "via": draw(st.sampled_from(("list", "generator", "write"))),
        "raise": draw(st.sampled_from((None, None, None, *raises))),
    }


def request_for(plan: Plan, method: str = "GET", target: str = "/planned") -> Request:
    """Return the request that makes a raw app answer by a plan."""
    return Request(method, target, (("x-answer", base64.b64encode(json.dumps(plan).encode()).decode()),))
