"""What a function streams -> HTTP answer, begun as soon as its head is known.

With the content type `application/vnd.awslambda.http-integration-response` a prelude comes first: one JSON object with
statusCode, headers and cookies, then eight NULs, then the body. Other streams are the body itself, with status 200. The
client never learns of a failure after its answer has begun: the answer just ends (measured on AWS by hotsock/voker, July 2026).
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator

from lambent.local.engine.invocation import Stream
from lambent.local.front import response
from lambent.local.front.interface import Reply

log = logging.getLogger("lambent.front")

INTEGRATION = "application/vnd.awslambda.http-integration-response"
END = b"\0" * 8
PRELUDE_MAX = 1024 * 1024
"""Bytes read in search of the prelude's end. AWS's limit is not known; this one keeps memory bounded."""

OCTETS = (("content-type", "application/octet-stream"),)


async def answer(stream: Stream, called: str) -> Reply:
    """The answer to the client over a RESPONSE_STREAM URL. `rest` reads the stream; `called` names it in the log."""
    if stream.content_type is None:
        return response.unstreamed(await stream.outcome())
    if stream.content_type.partition(";")[0].strip().lower() != INTEGRATION:
        first = await stream.read()
        if not first and (await stream.outcome()).function_error:
            return response.bad_gateway()
        headers = (("content-type", stream.content_type),) if stream.content_type else OCTETS
        return Reply(200, headers, first, _rest(stream, called))
    head, found, body = await _prelude(stream)
    try:
        told = json.loads(head) if found else None
        if not isinstance(told, dict):
            raise response.Malformed
        begun = response.head(told)
    except (ValueError, response.Malformed):
        stream.abandon()
        return response.bad_gateway()
    return Reply(begun.status, begun.headers, body, _rest(stream, called))


async def _prelude(stream: Stream) -> tuple[bytes, bool, bytes]:
    """The bytes before the eight NULs, whether these came, and what came with them of the body."""
    data = b""
    while END not in data and len(data) < PRELUDE_MAX:
        more = await stream.read()
        if not more:
            break
        data += more
    head, end, body = data.partition(END)
    return head, bool(end), body


async def _rest(stream: Stream, called: str) -> AsyncGenerator[bytes, None]:
    try:
        while chunk := await stream.read():
            yield chunk
        outcome = await stream.outcome()
        if outcome.function_error:
            log.warning("an answer of %s broke off, which its client cannot tell: %s", called, _said(outcome.payload))
    finally:
        stream.abandon()


def _said(payload: bytes) -> str:
    """The error in a failed invocation's payload, on one line."""
    try:
        told = json.loads(payload)
        return " ".join(f"{told['errorType']}: {told['errorMessage']}".split())
    except (ValueError, KeyError, TypeError):
        return "the function failed"
