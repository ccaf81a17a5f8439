"""HTTP request -> Function URL event, payload format 2.0. Pure.

Field by field after events captured from the real AWS (hotsock/voker and aws-powertools captures; recorded echo cases in
`tests/recordings/invoke-and-url.json`). Three rules surprise: `rawPath` stays percent-encoded while `requestContext.http.path`
is decoded; cookies are in `cookies` and in `headers.cookie`; and form posts are base64.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from msgspec import Struct

from lambent.local.front.interface import Caller, Request

_NOT_PASSED_ON = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "expect", "proxy-connection"}
)
"""Hop-by-hop headers: none of them is in any captured event."""

_TEXT = frozenset({"application/json", "application/xml", "application/javascript"})
"""Besides text/*. Measured for the sister product HTTP API v2; application/json and text/* are confirmed for Function URLs."""


class Arrival(Struct, frozen=True):
    """What the front adds to a request: where it came in, when, and under which ids."""

    url_id: str
    domain: str
    port: int
    request_id: str
    trace_id: str
    epoch_ms: int


def make_event(request: Request, arrival: Arrival, caller: Caller | None = None) -> dict[str, Any]:
    """The event for a request. `caller` is given exactly when the URL's auth type is AWS_IAM."""
    headers = _headers(request, arrival, signed=caller is not None)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.raw_path,
        "rawQueryString": request.query,
    }
    cookie = headers.get("cookie")
    if cookie:
        event["cookies"] = [part.strip() for part in cookie.split(";") if part.strip()]
    event["headers"] = headers
    if request.query:
        event["queryStringParameters"] = _parameters(request.query)
    event["requestContext"] = _context(request, arrival, caller)
    text, encoded = _body(request)
    if text:
        event["body"] = text
    event["isBase64Encoded"] = encoded
    return event


def encode(event: dict[str, Any]) -> bytes:
    """The event as it travels to the runtime."""
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def _headers(request: Request, arrival: Arrival, *, signed: bool) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in request.headers:
        if name in _NOT_PASSED_ON or (signed and name == "authorization"):
            continue
        if name in headers:
            headers[name] += f"; {value}" if name == "cookie" else f",{value}"
        else:
            headers[name] = value
    if request.body:
        headers["content-length"] = str(len(request.body))
    host = arrival.domain if arrival.port in (80, 443) else f"{arrival.domain}:{arrival.port}"
    headers["host"] = host
    headers["x-amzn-trace-id"] = arrival.trace_id
    headers["x-forwarded-for"] = request.source_ip
    headers["x-forwarded-port"] = str(arrival.port)
    headers["x-forwarded-proto"] = "http"
    return headers


def _parameters(query: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
    return parameters


def _context(request: Request, arrival: Arrival, caller: Caller | None) -> dict[str, Any]:
    context: dict[str, Any] = {
        "accountId": caller.account if caller else "anonymous",
        "apiId": arrival.url_id,
    }
    if caller:
        context["authorizer"] = {
            "iam": {
                "accessKey": caller.access_key,
                "accountId": caller.account,
                "callerId": caller.user_id,
                "cognitoIdentity": None,
                "principalOrgId": None,
                "userArn": caller.arn,
                "userId": caller.user_id,
            }
        }
    moment = datetime.fromtimestamp(arrival.epoch_ms / 1000, UTC)
    context |= {
        "domainName": arrival.domain,
        "domainPrefix": arrival.url_id,
        "http": {
            "method": request.method,
            "path": unquote(request.raw_path),
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.header("user-agent"),
        },
        "requestId": arrival.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": moment.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": arrival.epoch_ms,
    }
    return context


def _body(request: Request) -> tuple[str, bool]:
    if not request.body:
        return "", False
    media = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if media.startswith("text/") or media in _TEXT:
        try:
            return request.body.decode(), False
        except UnicodeDecodeError:
            pass  # announced as text and is not: base64 loses nothing
    return base64.b64encode(request.body).decode("ascii"), True
