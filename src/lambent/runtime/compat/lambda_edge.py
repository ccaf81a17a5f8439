"""Lambda@Edge: CloudFront's event, as Mangum accepts it.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
"""

from __future__ import annotations

from binascii import a2b_base64

from ..request import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def is_edge(event: Any) -> bool:
    """Return whether the event is CloudFront's."""
    records = event.get("Records") if isinstance(event, dict) else None
    return isinstance(records, list) and bool(records) and isinstance(records[0], dict) and "cf" in records[0]


def read_edge(event: dict[str, Any], context: Any) -> Request:
    """Return the request in CloudFront's event; its `form` is "edge"."""
    fields = event["Records"][0]["cf"]["request"]
    headers = fields.get("headers") or {}
    request = Request()
    request.event, request.context = event, context
    request.form, request.root_path, request.http_version = "edge", "", "1.1"
    request.method = fields.get("method") or "GET"
    request.path = fields.get("uri") or "/"
    request.query = fields.get("querystring") or ""
    request.client = fields.get("clientIp") or ""
    request.headers = [(name.lower(), entry.get("value") or "") for name, entries in headers.items() for entry in entries]
    request.ascii = False  # unknown
    names = dict(request.headers)
    body = fields.get("body") or {}
    data = body.get("data") or ""
    request.body = a2b_base64(data) if body.get("encoding") == "base64" else data if isinstance(data, bytes) else data.encode()
    request.scheme = names.get("cloudfront-forwarded-proto") or "https"
    host, _, port = (names.get("host") or "localhost").partition(":")
    port = port or names.get("x-forwarded-port") or ""
    request.server = host, int(port) if port.isdecimal() else 80
    return request
