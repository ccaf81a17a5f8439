"""A streamed answer in AWS's event-stream frames (application/vnd.amazon.eventstream).

A frame is: length of the message, length of its headers, CRC-32 of these two; headers; payload; CRC-32 of everything.
See https://smithy.io/2.0/aws/amazon-eventstream.html. AWS doesn't document ErrorCode and ErrorDetails. Here they are the type
of the error and the payload that Invoke would return.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import AsyncGenerator

from lambent.local import json_input
from lambent.local.engine.response_stream import ResponseStream

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_TEXT = b"\x07"


async def frames(stream: ResponseStream, *, tail: bool) -> AsyncGenerator[bytes, None]:
    """Yield a PayloadChunk for each chunk, then InvokeComplete, which with `tail` has the last 4 KB of the log."""
    try:
        while chunk := await stream.read():
            yield payload_chunk(chunk)
        outcome = await stream.outcome()
        completion: dict[str, str] = {}
        if outcome.function_error:
            details = outcome.payload.decode("utf-8", "replace")
            completion = {"ErrorCode": _error_type(outcome.payload), "ErrorDetails": details}
        elif outcome.payload:
            yield payload_chunk(outcome.payload)
        if tail:
            completion["LogResult"] = base64.b64encode(outcome.log_tail.encode()).decode()
        yield frame("InvokeComplete", "application/json", json.dumps(completion).encode())
    finally:
        stream.abandon()


def payload_chunk(data: bytes) -> bytes:
    return frame("PayloadChunk", "application/octet-stream", data)


def frame(event_type: str, content_type: str, payload: bytes) -> bytes:
    """Return one encoded message."""
    fields = {":event-type": event_type, ":content-type": content_type, ":message-type": "event"}
    headers = b"".join(_header(name, value) for name, value in fields.items())
    lengths = (16 + len(headers) + len(payload)).to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    message = lengths + zlib.crc32(lengths).to_bytes(4, "big") + headers + payload
    return message + zlib.crc32(message).to_bytes(4, "big")


def _header(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + _TEXT + len(value).to_bytes(2, "big") + value.encode()


def _error_type(payload: bytes) -> str:
    try:
        return str(json_input.loads(payload)["errorType"])
    except (ValueError, KeyError, TypeError):
        return "Unhandled"
