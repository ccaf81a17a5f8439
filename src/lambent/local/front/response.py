"""What the function returned -> HTTP answer. Pure.

Rules after recorded answers of the real AWS (`tests/recordings`, TestLambdaURL cases): what has no `statusCode` is answered as
compact JSON, a string without its quotes; a failed invocation is a 502 whose body says nothing; and a buffered answer over a
RESPONSE_STREAM URL reaches the client as the raw JSON of the whole object.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from lambent.local.engine.invocation import Outcome
from lambent.local.front.interface import Headers, Reply

FORBIDDEN = "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"

_RENAMED = frozenset({"connection", "date", "host", "keep-alive", "server", "te", "trailer", "upgrade", "www-authenticate"})
"""Headers of the front end; AWS passes the function's own on as `x-amzn-remapped-<name>`. The full list is not documented."""

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.1
_JSON: Headers = (("content-type", "application/json"),)


class Malformed(Exception):
    """What the function returned cannot be an HTTP answer."""


def _refuse(constant: str) -> None:
    """NaN and Infinity: Python writes them, JSON does not know them."""
    raise Malformed(constant)


def unstreamed(outcome: Outcome) -> Reply:
    """What did not stream, over a RESPONSE_STREAM URL: the raw JSON of the object."""
    return bad_gateway() if outcome.function_error else Reply(200, _JSON, outcome.payload)


def from_outcome(outcome: Outcome, method: str = "GET") -> Reply:
    """The answer to the client over a BUFFERED URL."""
    if outcome.function_error:
        return bad_gateway()
    try:
        returned = json.loads(outcome.payload, parse_constant=_refuse)
        if isinstance(returned, dict) and "statusCode" in returned:
            return _structured(returned, method)
    except (ValueError, Malformed):
        return bad_gateway()
    text = returned if isinstance(returned, str) else compact(returned)
    return Reply(200, _JSON, text.encode("utf-8", "replace"))


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def bad_gateway() -> Reply:
    """The function failed, or what it returned cannot be an HTTP answer."""
    return Reply(502, _JSON, b"Internal Server Error")


def refusal(status: int, error_type: str, message: str | None) -> Reply:
    """AWS's refusal before any function ran. The unknown URL's message is null."""
    headers = (*_JSON, ("x-amzn-ErrorType", error_type))
    return Reply(status, headers, compact({"Message": message}).encode())


def forbidden() -> Reply:
    return refusal(403, "AccessDeniedException", FORBIDDEN)


def unknown_url() -> Reply:
    return refusal(403, "AccessDeniedException", None)


def throttled() -> Reply:
    return refusal(429, "TooManyRequestsException", "Rate Exceeded.")


def too_large(limit: int) -> Reply:
    return refusal(
        413, "RequestTooLargeException", f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
    )


def _structured(returned: dict[str, Any], method: str) -> Reply:
    status = _status(returned["statusCode"])
    body = _body(returned)
    headers = _headers(returned.get("headers"), length="content-length" if method == "HEAD" and not body else "")
    headers += [("set-cookie", _text(cookie)) for cookie in _cookies(returned.get("cookies"))]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("content-type", "application/json"))
    return Reply(status, tuple(headers), body)


def head(prelude: dict[str, Any]) -> Reply:
    """Status and headers of a streamed answer, without a body. Raises Malformed."""
    status = _status(prelude.get("statusCode", 200))
    headers = _headers(prelude.get("headers"), length="x-amzn-remapped-content-length")
    headers += [("set-cookie", _text(cookie)) for cookie in _cookies(prelude.get("cookies"))]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("content-type", "application/octet-stream"))
    return Reply(status, tuple(headers), b"")


def _status(value: Any) -> int:
    """`statusCode` may be a string such as "418" (recorded)."""
    try:
        status = int(value) if isinstance(value, int | str) and not isinstance(value, bool) else 0
    except ValueError:
        status = 0
    if not 200 <= status <= 599:
        raise Malformed
    return status


def _body(returned: dict[str, Any]) -> bytes:
    body = returned.get("body")
    if body is None:
        return b""
    text = body if isinstance(body, str) else compact(body)
    if returned.get("isBase64Encoded") is not True:
        return text.encode("utf-8", "replace")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed from error


def _headers(told: Any, *, length: str) -> list[tuple[str, str]]:
    """The function's headers as they go out. `length` is the name under which its content-length does, "" to drop it."""
    if told is None:
        return []
    if not isinstance(told, dict):
        raise Malformed
    headers = []
    for name, value in told.items():
        lower = name.lower()
        if not _NAME.fullmatch(name):
            raise Malformed
        if lower == "content-length":
            headers += [(length, _text(value))] if length else []
        elif lower != "transfer-encoding":  # the front end's own
            headers.append((f"x-amzn-remapped-{lower}" if lower in _RENAMED else lower, _text(value)))
    return headers


def _cookies(told: Any) -> list[Any]:
    if told is None:
        return []
    if not isinstance(told, list):
        raise Malformed
    return told


def _text(value: Any) -> str:
    """A header's value. Numbers and booleans are taken; a line break would be another header, so it is no header at all."""
    text = value if isinstance(value, str) else compact(value)
    if isinstance(value, dict | list) or any(mark in text for mark in "\r\n\0"):
        raise Malformed
    return text
