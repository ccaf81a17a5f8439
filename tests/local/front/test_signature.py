"""Signatures of requests to AWS_IAM URLs, checked against those of botocore."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from msgspec import Struct
from msgspec.structs import replace

from lambent.local.front import signature
from lambent.local.http import Request


class Signed(Struct, frozen=True):
    """A request signed by botocore, and when."""

    request: Request
    now: datetime


def sign(method: str = "GET", path: str = "/", query: str = "", body: bytes = b"", presigned: bool = False) -> Signed:
    url = f"http://id.lambda-url.us-east-1.localhost:4580{path}" + (f"?{query}" if query else "")
    headers = {"Host": "id.lambda-url.us-east-1.localhost:4580", "X-Name": "zwei ü"}
    request = AWSRequest(method, url, data=body, headers=headers)
    signer = SigV4QueryAuth if presigned else SigV4Auth
    signer(Credentials("AKIA", "secret"), "lambda", "us-east-1").add_auth(request)
    prepared = request.prepare()
    pairs = tuple(
        (name.lower(), (value if isinstance(value, bytes) else value.encode()).decode("latin-1"))
        for name, value in prepared.headers.items()
    )
    raw_path, _, raw_query = prepared.url.partition("localhost:4580")[2].partition("?")
    return Signed(Request(method, raw_path, raw_query, pairs, body), datetime.now(UTC))


@pytest.mark.parametrize(
    "signed",
    [
        sign(),
        sign("POST", "/a%20b/c", "z=1&a=%2F&a=b+c", b'{"x":1}'),
        sign("PUT", "/a//b/../c/", body=b"\x00\xff"),
        sign(presigned=True),
        sign(path="/p", query="q=1", presigned=True),
    ],
)
def test_only_the_unchanged_request_is_accepted(signed: Signed) -> None:
    parsed = signature.read(signed.request)
    assert parsed is not None
    signature.verify(signed.request, parsed, "secret", "us-east-1", signed.now)
    for changed in (replace(signed.request, body=b"other"), replace(signed.request, path="/other")):
        with pytest.raises(signature.BadSignature, match="does not match the signature"):
            signature.verify(changed, parsed, "secret", "us-east-1", signed.now)
    with pytest.raises(signature.BadSignature, match="does not match the signature"):
        signature.verify(signed.request, parsed, "wrong", "us-east-1", signed.now)
    with pytest.raises(signature.BadSignature, match="valid region"):
        signature.verify(signed.request, parsed, "secret", "eu-west-1", signed.now)
    with pytest.raises(signature.BadSignature, match="expired"):
        signature.verify(signed.request, parsed, "secret", "us-east-1", signed.now + timedelta(hours=2))


def test_unsigned_request_has_no_signature() -> None:
    unsigned = Request("GET", "/", "", (("host", "h"),), b"")
    assert signature.read(unsigned) is None
    assert signature.read(replace(unsigned, headers=(("authorization", "Bearer x"),))) is None


@pytest.mark.parametrize(
    ("expires", "error"),
    [("-1", "should be a number"), ("²", "should be a number"), ("", "should be a number"), ("2592000", "less than a week"),
     ("9" * 5000, "less than a week")],
)  # fmt: skip
def test_presigned_url_for_more_than_a_week_is_refused(expires: str, error: str) -> None:
    presigned = sign(presigned=True).request
    query = presigned.query.replace("X-Amz-Expires=3600", f"X-Amz-Expires={quote(expires)}")
    assert query != presigned.query
    with pytest.raises(signature.BadSignature, match=error):
        signature.read(replace(presigned, query=query))


def test_signature_that_is_no_ascii_is_refused() -> None:
    signed = sign(presigned=True)
    request = replace(signed.request, query=f"{signed.request.query}%C3%A9")
    parsed = signature.read(request)
    assert parsed is not None
    with pytest.raises(signature.BadSignature, match="does not match the signature"):
        signature.verify(request, parsed, "secret", "us-east-1", signed.now)


def test_signature_of_the_last_day_of_the_calendar_is_refused() -> None:
    signed = sign(presigned=True)
    parsed = signature.read(signed.request)
    assert parsed is not None
    future = replace(parsed, day="99991231", timestamp="99991231T235959Z")
    with pytest.raises(signature.BadSignature, match="not yet current"):
        signature.verify(signed.request, future, "secret", "us-east-1", signed.now)
