"""Whether an answer is complete, and from AWS: botocore takes a truncated one, or a login page, for an empty one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import botocore.exceptions
from botocore.parsers import ResponseParserError

_PAUSE_S = 0.1
_HTML = (b"<!doctype html", b"<html")


def retry_incomplete_answers(client: Any, attempts_max: int) -> None:
    """Make the client repeat a call whose answer was truncated, up to `attempts_max` attempts.

    It then raises ResponseStreamingError, and for an HTML page (a proxy's, or a network's login) ResponseParserError.
    """

    def needs_retry(response: Any, operation: Any, attempts: int, **_: Any) -> float | None:
        if response is None:
            return None
        http = response[0]
        if operation.http.get("method") == "HEAD" and _is_html_head(http.status_code, http.headers):
            raise ResponseParserError("it is an HTML page")
        if _has_no_body_yet(operation):
            return None
        if _is_html(http.status_code, http.content):
            raise ResponseParserError("it is an HTML page")
        if not _is_truncated(http.content, http.headers):
            return None
        if attempts >= attempts_max:
            raise botocore.exceptions.ResponseStreamingError(error="it was truncated")
        return _PAUSE_S * attempts

    client.meta.events.register("before-parse", _blank)
    client.meta.events.register("needs-retry", needs_retry)


def _blank(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """Turn what can't be parsed into an empty server error: the XML parser would raise, and nothing would be retried."""
    if _has_no_body_yet(operation_model):
        return
    body = response_dict["body"]
    if _is_html(response_dict["status_code"], body) or _is_truncated(body, response_dict["headers"]):
        response_dict.update(status_code=500, body=b"")


def _has_no_body_yet(operation: Any) -> bool:
    """Return whether the answer's body is read later, or never comes."""
    streams = operation.has_streaming_output or operation.has_event_stream_output
    return bool(streams) or operation.http.get("method") == "HEAD"


def _is_html(status: int, body: bytes) -> bool:
    """Return whether this is a page that claims success. Of an error botocore reads the status, whatever the body is."""
    return status < 400 and body[:20].strip().lower().startswith(_HTML)


def _is_html_head(status: int, headers: Mapping[str, str]) -> bool:
    """Return the same for an answer to HEAD, which has no body."""
    return status < 400 and headers.get("Content-Type", "").startswith("text/html")


def _is_truncated(body: bytes, headers: Mapping[str, str]) -> bool:
    return len(body) < int(headers.get("Content-Length") or 0)
