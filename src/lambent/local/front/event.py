"""From an HTTP request to a Function URL event, payload format 2.0. Pure.

Every field follows events captured from AWS (by hotsock/voker and aws-powertools; recorded echo cases in
`tests/recordings/invoke-and-url.json`). Three rules may surprise: `rawPath` stays percent-encoded while
`requestContext.http.path` is decoded; cookies are in `cookies` and in `headers.cookie`; and form posts are base64.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from msgspec import Struct

from lambent.local.front.authorization import Caller
from lambent.local.http import Request

_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "expect", "proxy-connection"}
)
"""No captured event has these headers."""

_TEXT = frozenset({"application/json", "application/xml", "application/javascript"})
"""In addition to text/*. Measured for HTTP API v2; confirmed for Function URLs: application/json and text/*."""


class EventMetadata(Struct, frozen=True):
    """What the event has in addition to the request: its URL, ids and time."""

    url_id: str
    domain: str
    port: int
    request_id: str
    trace_id: str
    epoch_ms: int


def make_event(request: Request, metadata: EventMetadata, caller: Caller | None = None) -> dict[str, Any]:
    """Return the event for a request. `caller` is present exactly if the URL's auth type is AWS_IAM."""
    headers = _headers(request, metadata, signed=caller is not None)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
    }
    cookie = headers.get("cookie")
    if cookie:
        event["cookies"] = [part.strip() for part in cookie.split(";") if part.strip()]
    event["headers"] = headers
    if request.query:
        event["queryStringParameters"] = _parameters(request.query)
    event["requestContext"] = _context(request, metadata, caller)
    text, encoded = _body(request)
    if text:
        event["body"] = text
    event["isBase64Encoded"] = encoded
    return event


def encode(event: dict[str, Any]) -> bytes:
    """Return the event that is sent to the runtime."""
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def _headers(request: Request, metadata: EventMetadata, *, signed: bool) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in request.headers:
        if name in _HOP_BY_HOP or (signed and name == "authorization"):
            continue
        if name in headers:
            headers[name] += f"; {value}" if name == "cookie" else f",{value}"
        else:
            headers[name] = value
    if request.body:
        headers["content-length"] = str(len(request.body))
    host = metadata.domain if metadata.port in (80, 443) else f"{metadata.domain}:{metadata.port}"
    headers["host"] = request.app_host or host  # the app compares it with a form's Origin, and redirects to it
    headers["x-amzn-trace-id"] = metadata.trace_id
    headers["x-forwarded-for"] = request.source_ip
    headers["x-forwarded-port"] = str(metadata.port)
    headers["x-forwarded-proto"] = "http"
    return headers


def _parameters(query: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
    return parameters


def _context(request: Request, metadata: EventMetadata, caller: Caller | None) -> dict[str, Any]:
    context: dict[str, Any] = {
        "accountId": caller.account if caller else "anonymous",
        "apiId": metadata.url_id,
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
    time = datetime.fromtimestamp(metadata.epoch_ms / 1000, UTC)
    context |= {
        "domainName": metadata.domain,
        "domainPrefix": metadata.url_id,
        "http": {
            "method": request.method,
            "path": unquote(request.path),
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.header("user-agent"),
        },
        "requestId": metadata.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": metadata.epoch_ms,
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
            pass  # not the text that the content type promises; base64 loses nothing
    return base64.b64encode(request.body).decode("ascii"), True
