"""The Function URL's front, module by module: values in, values out."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from lambent.local.engine.invocation import Outcome
from lambent.local.front import authorization, cors, response, signature
from lambent.local.front.authorization import Caller
from lambent.local.front.event import EventMetadata, encode, make_event
from lambent.local.http import Request

DOMAIN = f"{'a' * 32}.lambda-url.us-west-2.localhost"
METADATA = EventMetadata("a" * 32, DOMAIN, 4580, "request-id", "Root=1-5-6", 1783711146671)
GET = Request("GET", "/", "", (("host", "h"),), b"")
ADMIN = Caller("AKIA", "secret", "123456789012", "arn:aws:iam::123456789012:user/u", "AIDA", lambda action, resource: True)
NOBODY = replace(ADMIN, permits=lambda action, resource: False)
TODAY, EARLIER = date(2026, 11, 23), date(2024, 7, 7)
RESOURCE = "arn:aws:lambda:us-east-1:123456789012:function:f"


def test_event_of_the_captured_request() -> None:
    query = "repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb&literalPlus=a+b&encodedPlus=a%2Bb&empty="
    headers = (
        ("host", "x"),
        ("user-agent", "curl/8.7.1"),
        ("content-type", "application/json"),
        ("cookie", "session=abc123; theme=dark"),
        ("x-voker-probe", "first"),
        ("x-voker-probe", "second"),
        ("connection", "keep-alive"),
    )
    body = '{"message":"…","unicode":"lambda-λ"}'.encode()
    request = Request("POST", "/capture/space%20value", query, headers, body, "203.0.113.7")
    event = make_event(request, METADATA)
    assert event["rawPath"] == "/capture/space%20value"
    assert event["rawQueryString"] == query
    assert event["cookies"] == ["session=abc123", "theme=dark"]
    assert event["headers"]["cookie"] == "session=abc123; theme=dark"
    assert event["headers"]["x-voker-probe"] == "first,second"
    assert event["headers"]["content-length"] == str(len(body))
    assert "connection" not in event["headers"]
    assert event["queryStringParameters"] == {
        "empty": "",
        "encodedPlus": "a+b",
        "literalPlus": "a b",
        "redirect": "https://example.com/a/b",
        "repeat": "one,two",
    }
    context = event["requestContext"]
    assert context["http"]["path"] == "/capture/space value"
    assert context["accountId"] == "anonymous" and "authorizer" not in context
    assert (context["time"], context["timeEpoch"]) == ("10/Jul/2026:19:19:06 +0000", 1783711146671)
    assert event["body"] == body.decode() and event["isBase64Encoded"] is False
    assert json.loads(encode(event)) == event


def test_event_leaves_out_what_is_not_there() -> None:
    event = make_event(GET, METADATA)
    assert not {"cookies", "queryStringParameters", "body"} & set(event)
    assert event["rawQueryString"] == "" and event["isBase64Encoded"] is False


@pytest.mark.parametrize(
    ("content_type", "encoded"),
    [
        ("text/plain; charset=utf-8", False),
        ("application/json", False),
        ("application/x-www-form-urlencoded", True),
        ("multipart/form-data; boundary=x", True),
        (None, True),
    ],
)
def test_which_bodies_are_base64(content_type: str | None, encoded: bool) -> None:
    headers = (("content-type", content_type),) if content_type else ()
    event = make_event(replace(GET, method="POST", headers=headers, body=b"a=b"), METADATA)
    assert event["isBase64Encoded"] is encoded
    assert event["body"] == (base64.b64encode(b"a=b").decode() if encoded else "a=b")


def test_malformed_escapes_and_foreign_bytes_survive() -> None:
    event = make_event(replace(GET, path="/pa2%Fth/1", body=b"\xff", headers=(("content-type", "text/plain"),)), METADATA)
    assert event["rawPath"] == "/pa2%Fth/1"
    assert base64.b64decode(event["body"]) == b"\xff" and event["isBase64Encoded"] is True


def test_event_of_a_signed_request() -> None:
    signed = replace(GET, headers=(("authorization", "AWS4 …"), ("x-amz-date", "20261123T000000Z")))
    event = make_event(signed, METADATA, ADMIN)
    assert "authorization" not in event["headers"] and event["headers"]["x-amz-date"] == "20261123T000000Z"
    assert event["requestContext"]["accountId"] == "123456789012"
    assert event["requestContext"]["authorizer"]["iam"]["userArn"] == ADMIN.arn


def answered(returned: Any) -> tuple[int, dict[str, str], bytes]:
    made = response.from_outcome(Outcome(json.dumps(returned).encode(), "", ""))
    return made.status, dict(made.headers), made.body


@pytest.mark.parametrize(
    ("returned", "body"),
    [
        ({"hello": "world"}, b'{"hello":"world"}'),
        (["hello", 3, True], b'["hello",3,true]'),
        ("hello", b"hello"),
        (3, b"3"),
        (1.5, b"1.5"),
        (True, b"true"),
        (None, b"null"),
    ],
)
def test_what_has_no_status_code_is_compact_json(returned: Any, body: bytes) -> None:
    assert answered(returned) == (200, {"content-type": "application/json"}, body)


def test_structured_answer() -> None:
    returned = {"statusCode": "418", "headers": {"X-Thing": 5, "Content-Length": "99"}, "body": "ho", "cookies": ["a=1", "b=2"]}
    made = response.from_outcome(Outcome(json.dumps(returned).encode(), "", ""))
    assert made.status == 418 and made.body == b"ho"
    assert made.headers == (
        ("x-thing", "5"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("content-type", "application/json"),
    )


def test_content_type_is_case_insensitive_and_base64_is_decoded() -> None:
    told = {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "body": "AAH/", "isBase64Encoded": True}
    assert answered(told) == (200, {"content-type": "image/png"}, b"\x00\x01\xff")


@pytest.mark.parametrize(
    "returned",
    [
        {"statusCode": "four"},
        {"statusCode": 9},
        {"statusCode": 200, "headers": {"x": "a\r\nset-cookie: b"}},
        {"statusCode": 200, "body": "!", "isBase64Encoded": True},
        {"statusCode": 200, "cookies": "a=b"},
        {"statusCode": 200, "headers": {"a b": "c"}},
        {"statusCode": 200, "headers": ["a"]},
        {"not": float("nan")},
    ],
)
def test_malformed_answers_are_502(returned: Any) -> None:
    status, _, body = answered(returned)
    assert (status, body) == (502, b"Internal Server Error")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("statusCode", "headers", "cookies", "body", "isBase64Encoded"), JSON)))
def test_whatever_a_function_returns_is_an_answer(returned: dict[str, Any]) -> None:
    made = response.from_outcome(Outcome(json.dumps(returned).encode(), "", ""))
    assert 200 <= made.status <= 599
    for name, value in made.headers:
        assert name.isascii() and not set("\r\n\0") & set(name + value)


def test_a_failed_function_says_nothing() -> None:
    made = response.from_outcome(Outcome(b'{"errorMessage":"secret"}', "Unhandled", ""))
    assert (made.status, made.body) == (502, b"Internal Server Error")


FIRST = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "lambda:InvokeFunctionUrl",
    "Resource": RESOURCE,
    "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
}
SECOND = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "lambda:InvokeFunction",
    "Resource": RESOURCE,
    "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
}
NONE = authorization.AccessRequest(RESOURCE, "NONE", "123456789012")
IAM = authorization.AccessRequest(RESOURCE, "AWS_IAM", "123456789012", ADMIN)


@pytest.mark.parametrize(
    ("statements", "access", "as_of", "missing"),
    [
        ([FIRST, SECOND], NONE, TODAY, ()),
        ([FIRST], NONE, TODAY, ("lambda:InvokeFunction",)),
        ([FIRST], NONE, EARLIER, ()),
        ([SECOND], NONE, TODAY, ("lambda:InvokeFunctionUrl",)),
        ([], NONE, TODAY, ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")),
        ([FIRST, SECOND, {**SECOND, "Effect": "Deny"}], NONE, TODAY, ("lambda:InvokeFunction",)),
        (
            [{**FIRST, "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}}],
            NONE,
            EARLIER,
            (authorization.INVOKE_URL,),
        ),
        ([{**FIRST, "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}}], NONE, EARLIER, (authorization.INVOKE_URL,)),
        ([{**FIRST, "Principal": {"AWS": "arn:aws:iam::1:root"}}], NONE, EARLIER, (authorization.INVOKE_URL,)),
        ([FIRST, SECOND], replace(IAM, caller=None), TODAY, (authorization.INVOKE_URL,)),
        ([], IAM, TODAY, ()),
        ([], replace(IAM, caller=NOBODY), TODAY, (authorization.INVOKE_URL, authorization.INVOKE)),
        ([{**SECOND, "Action": "lambda:*", "Principal": {"AWS": ADMIN.arn}}], replace(IAM, caller=NOBODY), TODAY, ()),
        ([], replace(IAM, account="999999999999"), TODAY, (authorization.INVOKE_URL, authorization.INVOKE)),
    ],
)
def test_permission(statements: list[Any], access: authorization.AccessRequest, as_of: date, missing: tuple[str, ...]) -> None:
    assert authorization.missing_actions(statements, access, as_of) == missing


def test_the_commands_to_paste() -> None:
    [line] = authorization.commands([authorization.INVOKE], "f", "live", "us-east-1", "http://127.0.0.1:4580")
    assert line == (
        "aws lambda add-permission --function-name f --qualifier live --statement-id FunctionURLInvokeAllowPublicAccess "
        "--action lambda:InvokeFunction --principal '*' --invoked-via-function-url "
        "--region us-east-1 --endpoint-url http://127.0.0.1:4580"
    )


class Signed(Struct, frozen=True):
    """A request as botocore signs it, and the moment it was signed."""

    request: Request
    now: datetime


def sign(method: str = "GET", path: str = "/", query: str = "", body: bytes = b"", presigned: bool = False) -> Signed:
    url = f"http://id.lambda-url.us-east-1.localhost:4580{path}" + (f"?{query}" if query else "")
    named = {"Host": "id.lambda-url.us-east-1.localhost:4580", "X-Name": "zwei ü"}
    request = AWSRequest(method, url, data=body, headers=named)
    signer = SigV4QueryAuth if presigned else SigV4Auth
    signer(Credentials("AKIA", "secret"), "lambda", "us-east-1").add_auth(request)
    wire = request.prepare()
    headers = tuple(
        (name.lower(), (value if isinstance(value, bytes) else value.encode()).decode("latin-1"))
        for name, value in wire.headers.items()
    )
    raw, _, asked = wire.url.partition("localhost:4580")[2].partition("?")
    return Signed(Request(method, raw, asked, headers, body), datetime.now(UTC))


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
def test_what_botocore_signs_is_taken_and_what_is_changed_is_not(signed: Signed) -> None:
    found = signature.read(signed.request)
    assert found is not None
    signature.verify(signed.request, found, "secret", "us-east-1", signed.now)
    for changed in (replace(signed.request, body=b"other"), replace(signed.request, path="/other")):
        with pytest.raises(signature.BadSignature, match="does not match the signature"):
            signature.verify(changed, found, "secret", "us-east-1", signed.now)
    with pytest.raises(signature.BadSignature, match="does not match the signature"):
        signature.verify(signed.request, found, "wrong", "us-east-1", signed.now)
    with pytest.raises(signature.BadSignature, match="valid region"):
        signature.verify(signed.request, found, "secret", "eu-west-1", signed.now)
    with pytest.raises(signature.BadSignature, match="expired"):
        signature.verify(signed.request, found, "secret", "us-east-1", signed.now + timedelta(hours=2))


def test_an_unsigned_request_has_no_signature() -> None:
    assert signature.read(GET) is None
    assert signature.read(replace(GET, headers=(("authorization", "Bearer x"),))) is None


CORS = {
    "AllowOrigins": ["https://a.example", "https://*.b.example"],
    "AllowMethods": ["GET"],
    "MaxAge": 60,
    "AllowHeaders": ["x"],
}


def preflight(origin: str, method: str = "GET") -> Request:
    return replace(GET, method="OPTIONS", headers=(("origin", origin), ("access-control-request-method", method)))


def test_preflight() -> None:
    assert cors.is_preflight(preflight("https://a.example")) and not cors.is_preflight(replace(GET, method="OPTIONS"))
    allowed = dict(cors.preflight(CORS, preflight("https://x.b.example")).headers)
    assert allowed["access-control-allow-origin"] == "https://x.b.example"
    assert allowed["access-control-allow-methods"] == "GET" and allowed["access-control-max-age"] == "60"
    assert cors.preflight(CORS, preflight("https://evil.example")).headers == ()
    assert cors.preflight(CORS, preflight("https://a.example", "PUT")).headers == ()


def test_ordinary_answers_get_cors_headers() -> None:
    asked = replace(GET, headers=(("origin", "https://o.example"),))
    assert cors.added_headers({"AllowOrigins": ["*"], "ExposeHeaders": ["y"]}, asked) == (
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "y"),
    )
    assert cors.added_headers({"AllowOrigins": ["*"]}, GET) == ()
