"""The same response as a real server, from ordinary frameworks.

Fixed requests for what each framework is used for, and generated ones; see test_differential.py.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from support.differential_cases import TARGETS, examples, requests
from support.differential_rules import assert_same_response
from support.differential_sites import Project, SiteBuilder, Sites, site_builder
from support.raw_http import Request

APPS = {
    "in_starlette": Project("in_starlette", "asgi", ("starlette", "python-multipart")),
    "in_fastapi": Project("in_fastapi", "asgi", ("fastapi", "python-multipart")),
    "in_flask": Project("in_flask", "wsgi", ("flask",)),
    "in_django": Project("in_django", "wsgi", ("django",)),
    "in_datasette": Project("in_datasette", "asgi", ("datasette",)),
}
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
JSON = (("Content-Type", "application/json"),)
MULTIPART = (("Content-Type", "multipart/form-data; boundary=XyZ"),)
BYTES = bytes(range(256)) * 40
UPLOAD = (
    b'--XyZ\r\nContent-Disposition: form-data; name="name"\r\n\r\nzw\xc3\xb6lf\r\n'
    b'--XyZ\r\nContent-Disposition: form-data; name="file"; filename="\xc3\xbc.bin"\r\nContent-Type: image/x-own\r\n\r\n'
    + BYTES
    + b"\r\n--XyZ--\r\n"
)
COMMON = [
    Request(),
    Request(target="/a%2Fb/%C3%BC/x%20y/%25?x=1&x=2&y=%2B+%20&z"),
    Request(target="/a//b/../c/;d=e"),
    Request(headers=(("Cookie", 'a=1; b="two words"; c'), ("User-Agent", "test/1 (ü)".encode().decode("latin-1")))),
    Request("HEAD", "/some"),
    Request("OPTIONS", "/some"),
    Request("PUT", "/some", (("Content-Type", "application/octet-stream"),), BYTES, (100, 3000)),
    Request("PATCH", "/some", JSON, b'{"a": 1}'),
    Request("DELETE", "/some"),
    Request("POST", "/form", FORM, b"name=a+b&more=%C3%BC&more=2&x=%2Fy"),
    Request("POST", "/form", MULTIPART, UPLOAD),
    Request("POST", "/form", MULTIPART, UPLOAD, (7, 500, 4000)),
    Request("POST", "/form", MULTIPART, UPLOAD.replace(BYTES, os.urandom(4_000_000))),
    Request("POST", "/form", FORM),
    Request("POST", "/json", JSON, '{"ü": [1, 2.5, null, "€"]}'.encode()),
    Request("POST", "/json", JSON, b"{broken"),
    Request(target="/stream?n=50"),
    Request(target="/cookies"),
    Request(target="/download"),
    Request("HEAD", "/download"),
    Request(target="/download", headers=(("Range", "bytes=5-20"),)),
    Request(target="/go"),
    Request(target="/fail"),
    Request(target="/empty"),
    Request("PROPFIND", "/"),
]
SPECIFIC: dict[str, list[Request]] = {
    "in_starlette": [
        Request("POST", "/stream?n=2", (), "parts ü".encode(), (2, 2)),
        Request(target="/zipped/a", headers=(("Accept-Encoding", "gzip"),)),
        Request(target="/below/x/y%2Fz"),
        Request(target="/below"),
        Request(target="/crash"),
    ],
    "in_fastapi": [
        Request(target="/items/7?page=2&size=5&tag=a&tag=b"),
        Request(target="/items/x?size=1000"),
        Request("POST", "/items", JSON, '{"name": "ü", "tags": ["a"]}'.encode()),
        Request("POST", "/items", (*JSON, ("Cookie", "session=s")), b'{"name": "a", "price": "1.25"}'),
        Request("POST", "/items", JSON, b'{"price": "free"}'),
        Request("PUT", "/items/a/b%2Fc", (("X-One", "1"), ("X-One", "2")), b"\x00\xff"),
        Request("POST", "/upload", MULTIPART, UPLOAD),
        Request("POST", "/upload", MULTIPART, UPLOAD.replace(b'"name"', b'"also"')),
        Request("DELETE", "/items/1"),
        Request("POST", "/items/1"),
        Request(target="/text"),
        Request(target="/missing"),
        Request(target="/crash"),
        Request(target="/docs"),
        Request(target="/openapi.json"),
    ],
    "in_flask": [Request(target="/crash"), Request("POST", "/json", FORM, b"a=1")],
    "in_django": [Request(target="/crash"), Request(target="/slash"), Request("POST", "/slash/", FORM, b"a=1")],
    "in_datasette": [
        Request(target="/-/plugins.json"),
        Request(target="/small/things.json?_shape=array&_sort_desc=id"),
        Request(target="/small/things.csv?_size=2"),
        Request(target="/small/things/2.json?_shape=array"),
        Request(target="/small.json?sql=select+name+from+things+where+name+%3D+%3An&n=zwei+%C3%BC&_shape=array"),
        Request(target="/small/things.json?odd%2Fname=a%2Fb&_shape=array"),
        Request(target="/small/no-such"),
        Request(target="/small/things/.json?_shape=array"),
        Request(target="/-/static/app.css"),
        Request(target="/-/static/table.js", headers=(("Accept-Encoding", "gzip"),)),
        Request(target="/-/logout"),
    ],
}
"""Responses that change are left out: Datasette's pages show how long a query took."""


@pytest.fixture(scope="module")
def frameworks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteBuilder]:
    with site_builder("frameworks", tmp_path_factory.mktemp("frameworks")) as builder:
        yield builder


@pytest.fixture(scope="module")
def sites(frameworks: SiteBuilder) -> Iterator[dict[str, Sites]]:
    with ExitStack() as stack:
        yield {module: stack.enter_context(frameworks.sites(project)) for module, project in APPS.items()}


@pytest.mark.parametrize(
    ("module", "sent"),
    [(module, sent) for module in APPS for sent in (*COMMON, *SPECIFIC[module])],
    ids=lambda value: value if isinstance(value, str) else f"{value.method} {value.target[:40]} {len(value.body)}",
)
def test_framework_answers_the_same(sites: dict[str, Sites], module: str, sent: Request) -> None:
    assert_same_response(sites[module], sent)


KNOWN_TARGETS = st.sampled_from(sorted({sent.target for sent in itertools.chain(COMMON, *SPECIFIC.values())}))


@pytest.mark.parametrize("module", APPS)
@examples(15)
@given(sent=requests(st.one_of(TARGETS, KNOWN_TARGETS), repeat=False))
def test_framework_answers_generated_requests_the_same(sites: dict[str, Sites], module: str, sent: Request) -> None:
    if APPS[module].kind == "wsgi":  # waitress merges slashes at the beginning of a path, and Django shows the path
        sent = replace(sent, target=re.sub("^(/|%2F)+", "/", sent.target, flags=re.IGNORECASE))
    assert_same_response(sites[module], sent)
