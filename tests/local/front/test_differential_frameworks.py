"""The same answer as a real server: ordinary frameworks under uvicorn or waitress, and through each kind of Function URL.

Fixed requests for what each framework is good at, and generated ones; see test_differential.py.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from support import differential_rules as rules
from support.differential_cases import TARGETS, asks, examples
from support.differential_sites import Lab, Project, Sites, lab
from support.wire import Ask

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
    Ask(),
    Ask(target="/a%2Fb/%C3%BC/x%20y/%25?x=1&x=2&y=%2B+%20&z"),
    Ask(target="/a//b/../c/;d=e"),
    Ask(headers=(("Cookie", 'a=1; b="two words"; c'), ("User-Agent", "test/1 (ü)".encode().decode("latin-1")))),
    Ask("HEAD", "/some"),
    Ask("OPTIONS", "/some"),
    Ask("PUT", "/some", (("Content-Type", "application/octet-stream"),), BYTES, (100, 3000)),
    Ask("PATCH", "/some", JSON, b'{"a": 1}'),
    Ask("DELETE", "/some"),
    Ask("POST", "/form", FORM, b"name=a+b&more=%C3%BC&more=2&x=%2Fy"),
    Ask("POST", "/form", MULTIPART, UPLOAD),
    Ask("POST", "/form", MULTIPART, UPLOAD, (7, 500, 4000)),
    Ask("POST", "/form", MULTIPART, UPLOAD.replace(BYTES, os.urandom(4_000_000))),
    Ask("POST", "/form", FORM),
    Ask("POST", "/json", JSON, '{"ü": [1, 2.5, null, "€"]}'.encode()),
    Ask("POST", "/json", JSON, b"{broken"),
    Ask(target="/stream?n=50"),
    Ask(target="/cookies"),
    Ask(target="/download"),
    Ask("HEAD", "/download"),
    Ask(target="/download", headers=(("Range", "bytes=5-20"),)),
    Ask(target="/go"),
    Ask(target="/fail"),
    Ask(target="/empty"),
    Ask("PROPFIND", "/"),
]
OWN: dict[str, list[Ask]] = {
    "in_starlette": [
        Ask("POST", "/stream?n=2", (), "parts ü".encode(), (2, 2)),
        Ask(target="/zipped/a", headers=(("Accept-Encoding", "gzip"),)),
        Ask(target="/below/x/y%2Fz"),
        Ask(target="/below"),
        Ask(target="/crash"),
    ],
    "in_fastapi": [
        Ask(target="/items/7?page=2&size=5&tag=a&tag=b"),
        Ask(target="/items/x?size=1000"),
        Ask("POST", "/items", JSON, '{"name": "ü", "tags": ["a"]}'.encode()),
        Ask("POST", "/items", (*JSON, ("Cookie", "session=s")), b'{"name": "a", "price": "1.25"}'),
        Ask("POST", "/items", JSON, b'{"price": "free"}'),
        Ask("PUT", "/items/a/b%2Fc", (("X-One", "1"), ("X-One", "2")), b"\x00\xff"),
        Ask("POST", "/upload", MULTIPART, UPLOAD),
        Ask("POST", "/upload", MULTIPART, UPLOAD.replace(b'"name"', b'"also"')),
        Ask("DELETE", "/items/1"),
        Ask("POST", "/items/1"),
        Ask(target="/text"),
        Ask(target="/missing"),
        Ask(target="/crash"),
        Ask(target="/docs"),
        Ask(target="/openapi.json"),
    ],
    "in_flask": [Ask(target="/crash"), Ask("POST", "/json", FORM, b"a=1")],
    "in_django": [Ask(target="/crash"), Ask(target="/slash"), Ask("POST", "/slash/", FORM, b"a=1")],
    "in_datasette": [
        Ask(target="/-/plugins.json"),
        Ask(target="/small/things.json?_shape=array&_sort_desc=id"),
        Ask(target="/small/things.csv?_size=2"),
        Ask(target="/small/things/2.json?_shape=array"),
        Ask(target="/small.json?sql=select+name+from+things+where+name+%3D+%3An&n=zwei+%C3%BC&_shape=array"),
        Ask(target="/small/things.json?odd%2Fname=a%2Fb&_shape=array"),
        Ask(target="/small/no-such"),
        Ask(target="/small/things/.json?_shape=array"),
        Ask(target="/-/static/app.css"),
        Ask(target="/-/static/table.js", headers=(("Accept-Encoding", "gzip"),)),
        Ask(target="/-/logout"),
    ],
}
"""What changes by itself is left out: Datasette's pages tell how long a query took."""


@pytest.fixture(scope="module")
def frameworks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab("frameworks", tmp_path_factory.mktemp("frameworks")) as made:
        yield made


@pytest.fixture(scope="module")
def every(frameworks: Lab) -> Iterator[dict[str, Sites]]:
    with ExitStack() as stack:
        yield {module: stack.enter_context(frameworks.sites(project)) for module, project in APPS.items()}


def same(sites: Sites, one: Ask) -> None:
    mine = sites.server.ask(one)
    for variant, wire in sites.urls.items():
        left, right = rules.compared(one, mine, rules.nameless(wire.ask(one), wire), variant)
        assert right == left, variant


@pytest.mark.parametrize(
    ("module", "one"),
    [(module, one) for module in APPS for one in (*COMMON, *OWN[module])],
    ids=lambda value: value if isinstance(value, str) else f"{value.method} {value.target[:40]} {len(value.body)}",
)
def test_it_answers_the_same(every: dict[str, Sites], module: str, one: Ask) -> None:
    same(every[module], one)


KNOWN = st.sampled_from(sorted({one.target for one in COMMON} | {one.target for asked in OWN.values() for one in asked}))


@pytest.mark.parametrize("module", APPS)
@examples(30)
@given(one=asks(st.one_of(TARGETS, KNOWN), repeat=False))
def test_it_answers_generated_requests_the_same(every: dict[str, Sites], module: str, one: Ask) -> None:
    if APPS[module].kind == "wsgi":  # waitress folds the slashes a path begins with, and Django's paths show it
        one = replace(one, target=re.sub("^(/|%2F)+", "/", one.target, flags=re.IGNORECASE))
    same(every[module], one)
