"""Whether an answer came whole, and from AWS: botocore takes one that was cut off, or a login page, for an empty one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import botocore.exceptions as foreign
from botocore.parsers import ResponseParserError

_PAUSE_S = 0.1
_PAGE = (b"<!doctype html", b"<html")


def watch(client: Any, most: int) -> None:
    """Has the client make a call again whose answer was cut off, `most` times in all.

    It then raises ResponseStreamingError, and for a page of HTML (a proxy's, or a network's login) ResponseParserError.
    """

    def again(response: Any, operation: Any, attempts: int, **_: Any) -> float | None:
        if response is None:
            return None
        http = response[0]
        if operation.http.get("method") == "HEAD" and _page_untold(http.status_code, http.headers):
            raise ResponseParserError("it is a page of HTML")
        if _streams(operation):
            return None
        if _page(http.status_code, http.content):
            raise ResponseParserError("it is a page of HTML")
        if not _torn(http.content, http.headers):
            return None
        if attempts >= most:
            raise foreign.ResponseStreamingError(error="it was cut off")
        return _PAUSE_S * attempts

    client.meta.events.register("before-parse", _blank)
    client.meta.events.register("needs-retry", again)


def _blank(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """What cannot be read becomes an empty answer of a server in trouble: the parser for XML would give up for good."""
    if _streams(operation_model):
        return
    body = response_dict["body"]
    if _page(response_dict["status_code"], body) or _torn(body, response_dict["headers"]):
        response_dict.update(status_code=500, body=b"")


def _streams(operation: Any) -> bool:
    """Whether the answer's body is not read yet, or never comes."""
    streams = operation.has_streaming_output or operation.has_event_stream_output
    return bool(streams) or operation.http.get("method") == "HEAD"


def _page(status: int, body: bytes) -> bool:
    """Whether it is a page that claims to be a good answer; botocore reads an error's status, whatever it looks like."""
    return status < 400 and body[:20].strip().lower().startswith(_PAGE)


def _page_untold(status: int, headers: Mapping[str, str]) -> bool:
    """The same of an answer to HEAD, which has no body."""
    return status < 400 and headers.get("Content-Type", "").startswith("text/html")


def _torn(body: bytes, headers: Mapping[str, str]) -> bool:
    return len(body) < int(headers.get("Content-Length") or 0)
