"""From what a function streams to an HTTP response, which starts as soon as its headers are known.

With the content type `application/vnd.awslambda.http-integration-response`, a prelude comes first: one JSON object with
statusCode, headers and cookies, then eight NULs, then the body. Other streams are the body itself, with status 200. The
client never learns of a failure after the response has started: it just ends (measured on AWS by hotsock/voker, July 2026).
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator

from lambent.local import json_input
from lambent.local.engine.response_stream import ResponseStream
from lambent.local.front.response import JSON, MalformedResponse, bad_gateway, from_prelude
from lambent.local.http import Response

log = logging.getLogger("lambent.front")

INTEGRATION = "application/vnd.awslambda.http-integration-response"
END = b"\0" * 8
PRELUDE_MAX = 1024 * 1024
"""Bytes to read in search of the prelude's end. AWS's limit isn't known; this one keeps memory bounded."""

OCTETS = (("content-type", "application/octet-stream"),)


async def from_stream(stream: ResponseStream, label: str) -> Response:
    """Return the response over a RESPONSE_STREAM URL. Its stream reads the function's; `label` names it in the log."""
    if stream.content_type is None:
        outcome = await stream.outcome()  # not streamed: AWS sends the raw JSON of the whole object
        return bad_gateway() if outcome.function_error else Response(200, JSON, outcome.payload)
    if stream.content_type.partition(";")[0].strip().lower() != INTEGRATION:
        first = await stream.read()
        if not first and (await stream.outcome()).function_error:
            return bad_gateway()
        headers = (("content-type", stream.content_type),) if stream.content_type else OCTETS
        return Response(200, headers, first, _remaining(stream, label))
    prelude, complete, body = await _read_prelude(stream)
    try:
        document = json_input.loads(prelude) if complete else None
        if not isinstance(document, dict):
            raise MalformedResponse
        head = from_prelude(document)
    except (ValueError, MalformedResponse):
        stream.abandon()
        return bad_gateway()
    return Response(head.status, head.headers, body, _remaining(stream, label))


async def _read_prelude(stream: ResponseStream) -> tuple[bytes, bool, bytes]:
    """Return the bytes before the eight NULs, whether these came, and what came with them of the body."""
    data = b""
    while END not in data and len(data) < PRELUDE_MAX:
        chunk = await stream.read()
        if not chunk:
            break
        data += chunk
    prelude, end, body = data.partition(END)
    return prelude, bool(end), body


async def _remaining(stream: ResponseStream, label: str) -> AsyncGenerator[bytes, None]:
    try:
        while chunk := await stream.read():
            yield chunk
        outcome = await stream.outcome()
        if outcome.function_error:
            log.warning("a streamed response of %s ended early, which its client can't see: %s", label, _error(outcome.payload))
    finally:
        stream.abandon()


def _error(payload: bytes) -> str:
    """Return the error in a failed invocation's payload, on one line."""
    try:
        document = json_input.loads(payload)
        return " ".join(f"{document['errorType']}: {document['errorMessage']}".split())
    except (ValueError, KeyError, TypeError):
        return "the function failed"
