"""Random input where the local Lambda trusts nobody: it is answered, and never a bug of ours.

Each finding became a case elsewhere. To look for more, raise `EXAMPLES` with LAMBENT_FUZZ_EXAMPLES.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import socket
import string
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from botocore.model import Shape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from lambent.local.control.api import LambdaApi
from lambent.local.control.service_model import find_operation, routes
from lambent.local.front import signature
from lambent.local.http import Request
from lambent.local.store import Store
from lambent.local.unpack import BadArchive, TooLarge, remove, unpack
from support.lambda_api import REGION, ROLE, EchoEngine, FakeAwsServices, zip_bytes
from support.local_service import Service
from support.zip_archives import archive, member

EXAMPLES = int(os.environ.get("LAMBENT_FUZZ_EXAMPLES", "30"))
fuzz = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))

ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["\ud800", "$LATEST", "0"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


class Edit(Struct, frozen=True):
    """A change of bytes: those from `where` (a fraction of all) on are replaced."""

    where: float
    size: int
    text: bytes

    def apply(self, data: bytes) -> bytes:
        start = int(self.where * len(data))
        return data[:start] + self.text + data[start + self.size :]


PIECES = st.binary(max_size=4) | st.sampled_from([b"\r\n", b"\n", b" ", b":", b"\0", b"%", b"%00", b"//", b"\xff", b"9" * 30])
EDITS = st.lists(st.builds(Edit, st.floats(0, 1), st.integers(0, 6), PIECES), min_size=1, max_size=4)


def edited(data: bytes, edits: list[Edit]) -> bytes:
    for edit in edits:
        data = edit.apply(data)
    return data


# --- API calls --------------------------------------------------------------------------------------------------------

ROUTES = [route for route in routes() if route.operation.name != "InvokeWithResponseStream"]  # the echo engine has no streams


def values(shape: Shape, depth: int = 0) -> st.SearchStrategy[Any]:
    """Return values of a shape of the model, and sometimes others."""
    return ODD if depth > 4 else ODD | _valid(shape, depth)


def _valid(shape: Any, depth: int) -> st.SearchStrategy[Any]:
    match shape.type_name:
        case "structure":
            members = {name: values(member, depth + 1) for name, member in shape.members.items()}
            return st.fixed_dictionaries({}, optional=members)
        case "list":
            return st.lists(values(shape.member, depth + 1), max_size=2)
        case "map":
            return st.dictionaries(st.text(max_size=5), values(shape.value, depth + 1), max_size=2)
        case "blob":
            return st.sampled_from([base64.b64encode(zip_bytes()).decode(), "AAAA", "="])
        case "string":
            return st.sampled_from([*shape.enum, "f", "1", ROLE, "handler.handler", "python3.12"])
        case "boolean":
            return st.booleans()
    return st.integers(-1, 10**4)


@st.composite
def calls(draw: st.DrawFn) -> Request:
    route = draw(st.sampled_from(ROUTES))
    text = st.sampled_from(["f", "f:1", "1", "$LATEST", "live"]) | st.text(max_size=8)
    path = route.operation.http["requestUri"].partition("?")[0]
    for name in string.Formatter().parse(path):
        if name[1]:
            path = path.replace(f"{{{name[1]}}}", quote(draw(text), safe=""))
    query = "&".join(f"{name}={value}" for name, choices in route.query.items() for value in choices[:1])
    extra = draw(
        st.sampled_from(["", "Qualifier=1", "Qualifier=%00", "MaxItems=x", "Marker=%ff", "MaxItems=9999999999999999999"])
    )
    shape = route.operation.input_shape
    body = json.dumps(draw(values(shape))).encode() if shape else b""
    return Request(route.method, path, "&".join(filter(None, (query, extra))), (("content-type", "application/json"),), body)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.AbstractEventLoop, LambdaApi]]:
    loop, store = asyncio.new_event_loop(), Store(tmp_path_factory.mktemp("api"))
    api = LambdaApi(store, EchoEngine(store), FakeAwsServices(), "http://localhost", date(2026, 11, 23))
    code = {"ZipFile": base64.b64encode(zip_bytes()).decode()}
    function = {"FunctionName": "f", "Runtime": "python3.12", "Role": ROLE, "Handler": "handler.handler", "Code": code}
    create = Request("POST", "/2015-03-31/functions", "", (), json.dumps(function).encode())
    assert loop.run_until_complete(api.answer(create, find_operation(create), REGION)).status == 201
    yield loop, api
    loop.run_until_complete(api.stop())
    store.close()
    loop.close()


@fuzz
@given(request=calls())
def test_api_call_is_answered_or_refused(api: tuple[asyncio.AbstractEventLoop, LambdaApi], request: Request) -> None:
    loop, lambda_api = api
    response = loop.run_until_complete(lambda_api.answer(request, find_operation(request), REGION))
    assert response.status < 500 or response.status == 501, response.body


# --- HTTP -------------------------------------------------------------------------------------------------------------

HOST = b"Host: 127.0.0.1\r\n"
SIGNED = (
    b"Authorization: AWS4-HMAC-SHA256 Credential=lambent/20260101/us-east-1/%b/aws4_request, SignedHeaders=host, "
    b"Signature=0\r\n"
)
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
SEEDS = (
    b"GET /_lambent/health HTTP/1.1\r\n" + HOST + b"\r\n",
    b"POST /_lambent/console HTTP/1.1\r\n" + HOST + b"X-Lambent-Secret: x\r\nContent-Length: 0\r\n\r\n",
    b"GET /2015-03-31/functions/?MaxItems=10 HTTP/1.1\r\n" + HOST + SIGNED % b"lambda" + b"\r\n",
    b"POST /2015-03-31/functions/f/invocations HTTP/1.1\r\n"
    + HOST
    + b"X-Amz-Client-Context: e30=\r\nContent-Length: 2\r\n\r\n{}",
    b"PUT /fuzz/k%20/y?x=1 HTTP/1.1\r\n" + HOST + SIGNED % b"s3" + CHUNKED,
    b"GET /fuzz?list-type=2&prefix=a HTTP/1.1\r\n" + HOST + b"Range: bytes=0-1\r\n\r\n",
    b"GET /fuzz/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"
    b"&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=0 HTTP/1.1\r\n" + HOST + b"\r\n",
    b"POST / HTTP/1.1\r\n" + HOST + SIGNED % b"logs" + b"X-Amz-Target: Logs_20140328.DescribeLogGroups\r\n"
    b"Content-Type: application/x-amz-json-1.1\r\nContent-Length: 2\r\n\r\n{}",
    b"POST / HTTP/1.1\r\n" + HOST + SIGNED % b"iam" + b"Content-Length: 35\r\n\r\nAction=GetRole&Version=2010-05-08&R=",
    b"GET /_url/abc/a?b=c HTTP/1.1\r\n" + HOST + b"Origin: http://localhost:3000\r\nCookie: a=b\r\n\r\n",
    b"OPTIONS /a HTTP/1.1\r\nHost: abc.lambda-url.us-east-1.localhost\r\nAccess-Control-Request-Method: PUT\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: lambent-console.localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
)


@fuzz
@given(seed=st.sampled_from(SEEDS), edits=EDITS)
def test_bytes_of_a_client_are_answered_or_refused(service: Service, seed: bytes, edits: list[Edit]) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection, contextlib.suppress(OSError):
        connection.sendall(edited(seed, edits))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass
    assert service.fetch(f"{service.url}/_lambent/health").status == 200
    assert "Traceback" not in service.log()


# --- zips, signatures -------------------------------------------------------------------------------------------------

ZIP = archive(
    (member("app.py"), b"print()\n" * 50), (member("a/b/c.txt"), b"c"), (member("link", 0o120777), b"a/b"), ("d/", b"")
)


@fuzz
@given(edits=EDITS)
def test_zip_is_unpacked_or_refused(tmp_path_factory: pytest.TempPathFactory, edits: list[Edit]) -> None:
    top = tmp_path_factory.mktemp("zip")
    (top / "x.zip").write_bytes(edited(ZIP, edits))
    with contextlib.suppress(BadArchive, TooLarge):
        unpack(top / "x.zip", top / "new" / "code")
    links = [path for path in (top / "new").rglob("*") if path.is_symlink()]
    assert all(path.resolve().is_relative_to(top / "new" / "code") for path in links)
    assert {path.name for path in top.iterdir()} <= {"x.zip", "new"}
    remove(Path(top))


SIGNED_QUERY = (
    b"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2F20260101%2Fus-east-1%2Flambda%2Faws4_request"
    b"&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=" + b"0" * 64
)
SIGNED_HEADER = SIGNED.removeprefix(b"Authorization: ").removesuffix(b"0\r\n") % b"lambda" + b"0" * 64


@fuzz
@given(edits=EDITS, in_header=st.booleans())
def test_signature_that_isnt_right_is_refused(edits: list[Edit], in_header: bool) -> None:
    text = edited(SIGNED_HEADER if in_header else SIGNED_QUERY, edits).decode("latin-1")
    headers = (("host", "h"), ("x-amz-date", "20260101T000000Z"), *([("authorization", text)] if in_header else []))
    request = Request("GET", "/", "" if in_header else text, headers, b"")
    with contextlib.suppress(signature.BadSignature):
        parsed = signature.read(request)
        if parsed is not None:
            signature.verify(request, parsed, "secret", REGION, datetime(2026, 1, 1, tzinfo=UTC))
            raise AssertionError("a signature of zeros isn't right")
