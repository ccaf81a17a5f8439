"""From what a function streams to an HTTP response: the prelude, the body, and streams that end early."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, field

from lambent.local.engine.invocation import Outcome
from lambent.local.front import streamed_response

GOOD = Outcome(b"", "", "")
FAILED = Outcome(b'{"errorMessage":"secret"}', "Unhandled", "")
END = b"\0" * 8


class FakeStream(Struct):
    """A stream of fixed chunks."""

    chunks: list[bytes]
    content_type: str | None = streamed_response.INTEGRATION
    end: Outcome = GOOD
    abandoned: list[bool] = field(default_factory=list)

    async def read(self) -> bytes:
        return self.chunks.pop(0) if self.chunks else b""

    async def outcome(self) -> Outcome:
        return self.end

    def abandon(self) -> None:
        self.abandoned.append(True)

    def when_ended(self, call: Callable[[], None]) -> None: ...


def read_response(stream: FakeStream) -> tuple[int, list[tuple[str, str]], list[bytes]]:
    async def run() -> tuple[int, list[tuple[str, str]], list[bytes]]:
        response = await streamed_response.from_stream(stream, "f")
        chunks = [chunk async for chunk in response.stream] if response.stream is not None else []
        return response.status, list(response.headers), [response.body, *chunks]

    return asyncio.run(run())


def test_prelude_becomes_status_and_headers() -> None:
    prelude = {"statusCode": 201, "headers": {"Content-Type": "text/plain", "Content-Length": 9}, "cookies": ["a=1", "b=2"]}
    stream = FakeStream([json.dumps(prelude).encode() + END, b"body\0\0", b"more"])
    assert read_response(stream) == (
        201,
        [
            ("content-type", "text/plain"),
            ("x-amzn-remapped-content-length", "9"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
        ],
        [b"", b"body\0\0", b"more"],
    )
    assert read_response(FakeStream([b"{}" + END + b"x"])) == (200, [("content-type", "application/octet-stream")], [b"x"])


@given(st.lists(st.integers(0, 60), max_size=4), st.binary(max_size=20))
def test_chunks_may_be_cut_anywhere(cuts: list[int], body: bytes) -> None:
    data = b'{"statusCode":404,"headers":{"x-a":"b"}}' + END + body
    offsets = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[start:end] for start, end in itertools.pairwise(offsets) if start < end]
    status, headers, pieces = read_response(FakeStream(chunks))
    assert (status, headers) == (404, [("x-a", "b"), ("content-type", "application/octet-stream")])
    assert b"".join(pieces) == body


def test_response_starts_before_there_is_a_body() -> None:
    """`read` isn't called again once the prelude is complete: the client gets the headers while the function works."""
    stream = FakeStream([b"{}" + END, b"late"])
    response = asyncio.run(streamed_response.from_stream(stream, "f"))
    assert response.status == 200 and stream.chunks == [b"late"]


@pytest.mark.parametrize(
    "chunks",
    [[], [b'{"statusCode":200}'], [b"not json" + END], [b"[]" + END], [b'{"statusCode":7}' + END], [b"{" * 2_000_000]],
)
def test_incomplete_prelude_is_502(chunks: list[bytes]) -> None:
    stream = FakeStream(chunks, end=FAILED)
    status, _, body = read_response(stream)
    assert (status, body) == (502, [b"Internal Server Error"])
    assert stream.abandoned


def test_failure_after_the_start_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    failure = Outcome(b'{"errorType":"ValueError","errorMessage":"on the\\nway"}', "Unhandled", "")
    assert read_response(FakeStream([b"{}" + END + b"some"], end=failure))[::2] == (200, [b"some"])
    assert "a streamed response of f ended early, which its client can't see: ValueError: on the way" in caplog.text
    assert read_response(FakeStream([b"{}" + END + b"some"], end=FAILED))[::2] == (200, [b"some"])
    assert "the function failed" in caplog.text


def test_stream_without_prelude_is_the_body() -> None:
    chunks = [b'{"statusCode":404}' + END, b"x"]
    assert read_response(FakeStream(list(chunks), "text/x")) == (200, [("content-type", "text/x")], chunks)
    assert read_response(FakeStream(list(chunks), ""))[1] == [("content-type", "application/octet-stream")]
    assert read_response(FakeStream([], "text/x", FAILED))[0] == 502
    assert read_response(FakeStream([], "text/x"))[::2] == (200, [b""])


def test_value_that_was_not_streamed_is_sent_raw() -> None:
    value = b'{"statusCode": 418, "body": "ho"}'
    assert read_response(FakeStream([], None, Outcome(value, "", ""))) == (200, [("content-type", "application/json")], [value])
    assert read_response(FakeStream([], None, FAILED))[0] == 502
