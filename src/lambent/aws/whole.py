"""Whether an answer came whole, and from AWS: botocore reads one that was cut off, or a login page, as an empty one."""

from __future__ import annotations

from typing import Any

import botocore.exceptions as foreign
from botocore.parsers import ResponseParserError

_PAUSE_S = 0.1
_PAGE = (b"<!doctype html", b"<html")


class Whole:
    """A handler of botocore's event needs-retry: has a call made again whose answer was cut off, `attempts` times in all.

    Raises ResponseStreamingError after that, and ResponseParserError for a page of HTML: a proxy's, or a network's login.
    """

    def __init__(self, attempts: int) -> None:
        self._attempts = attempts

    def __call__(self, response: Any, operation: Any, attempts: int, **_: Any) -> float | None:
        if response is None or operation.has_streaming_output or operation.http.get("method") == "HEAD":
            return None
        http = response[0]
        if http.content[:20].strip().lower().startswith(_PAGE):
            raise ResponseParserError("it is a page of HTML")
        if len(http.content) >= int(http.headers.get("Content-Length") or 0):
            return None
        if attempts >= self._attempts:
            raise foreign.ResponseStreamingError(error="it was cut off")
        return _PAUSE_S * attempts
