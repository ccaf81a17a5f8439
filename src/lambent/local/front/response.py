"""From what a function returned to an HTTP response, and the refusals of a Function URL. Pure.

The rules follow recorded responses of AWS (`tests/recordings`, TestLambdaURL cases). A value without `statusCode` becomes
compact JSON, or text if it is a string. A failed invocation is a 502 whose body explains nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from lambent.local import json_input
from lambent.local.engine.invocation import Outcome
from lambent.local.http import Headers, Response

FORBIDDEN = "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"

_RENAMED = frozenset({"connection", "date", "host", "keep-alive", "server", "te", "trailer", "upgrade", "www-authenticate"})
"""Headers of the front end. AWS renames the function's to `x-amzn-remapped-<name>`; it doesn't document the full list."""

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.1
JSON: Headers = (("content-type", "application/json"),)


class MalformedResponse(Exception):
    """The function returned something that can't be an HTTP response."""


def from_outcome(outcome: Outcome, method: str = "GET") -> Response:
    """Return the response over a BUFFERED URL."""
    if outcome.function_error:
        return bad_gateway()
    try:
        returned = json_input.loads(outcome.payload)
        if isinstance(returned, dict) and "statusCode" in returned:
            return _structured(returned, method)
        text = returned if isinstance(returned, str) else compact(returned)
    except (ValueError, RecursionError, MalformedResponse):
        return bad_gateway()
    return Response(200, JSON, text.encode("utf-8", "replace"))


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def bad_gateway() -> Response:
    """Return the response when the function failed, or returned what can't be an HTTP response."""
    return Response(502, JSON, b"Internal Server Error")


def refusal(status: int, error_type: str, message: str | None) -> Response:
    """Return AWS's refusal before a function ran. For an unknown URL the message is null."""
    headers = (*JSON, ("x-amzn-ErrorType", error_type))
    return Response(status, headers, compact({"Message": message}).encode())


def bad_signature(message: str) -> Response:
    headers = (*JSON, ("x-amzn-ErrorType", "InvalidSignatureException"))
    return Response(403, headers, compact({"message": message}).encode())


def forbidden() -> Response:
    return refusal(403, "AccessDeniedException", FORBIDDEN)


def unknown_url() -> Response:
    return refusal(403, "AccessDeniedException", None)


def throttled() -> Response:
    return refusal(429, "TooManyRequestsException", "Rate Exceeded.")


def too_large(limit: int) -> Response:
    return refusal(
        413, "RequestTooLargeException", f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
    )


def _structured(returned: dict[str, Any], method: str) -> Response:
    status = _status(returned["statusCode"])
    body = _body(returned)
    headers = _headers(returned.get("headers"), length="content-length" if method == "HEAD" and not body else "")
    headers += [("set-cookie", _text(cookie)) for cookie in _cookies(returned.get("cookies"))]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("content-type", "application/json"))
    return Response(status, tuple(headers), body)


def from_prelude(prelude: dict[str, Any]) -> Response:
    """Return the status and headers of a streamed response, without a body. Raises MalformedResponse."""
    status = _status(prelude.get("statusCode", 200))
    headers = _headers(prelude.get("headers"), length="x-amzn-remapped-content-length")
    headers += [("set-cookie", _text(cookie)) for cookie in _cookies(prelude.get("cookies"))]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("content-type", "application/octet-stream"))
    return Response(status, tuple(headers), b"")


def _status(value: Any) -> int:
    """`statusCode` may be a string such as "418" (recorded)."""
    try:
        status = int(value) if isinstance(value, int | str) and not isinstance(value, bool) else 0
    except ValueError:
        status = 0
    if not 200 <= status <= 599:
        raise MalformedResponse
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
        raise MalformedResponse from error


def _headers(document: Any, *, length: str) -> list[tuple[str, str]]:
    """Return the function's headers for the client. `length` is the new name of its content-length, or "" to drop it."""
    if document is None:
        return []
    if not isinstance(document, dict):
        raise MalformedResponse
    headers = []
    for name, value in document.items():
        lower = name.lower()
        if not _NAME.fullmatch(name):
            raise MalformedResponse
        if lower == "content-length":
            headers += [(length, _text(value))] if length else []
        elif lower != "transfer-encoding":  # the front end sets it
            headers.append((f"x-amzn-remapped-{lower}" if lower in _RENAMED else lower, _text(value)))
    return headers


def _cookies(document: Any) -> list[Any]:
    if document is None:
        return []
    if not isinstance(document, list):
        raise MalformedResponse
    return document


def _text(value: Any) -> str:
    """Return a header's value. Numbers and booleans are accepted; a line break isn't, because it would start another header."""
    text = value if isinstance(value, str) else compact(value)
    if isinstance(value, dict | list) or any(character in text for character in "\r\n\0"):
        raise MalformedResponse
    return text
