"""What a function streams on its way to the client: the prelude, the body, and streams that break off."""

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


class Written(Struct):
    """A Stream whose chunks are known."""

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


def answered(stream: Written) -> tuple[int, list[tuple[str, str]], list[bytes]]:
    async def run() -> tuple[int, list[tuple[str, str]], list[bytes]]:
        response = await streamed_response.from_stream(stream, "f")
        chunks = [chunk async for chunk in response.stream] if response.stream is not None else []
        return response.status, list(response.headers), [response.body, *chunks]

    return asyncio.run(run())


def test_a_prelude_and_what_follows() -> None:
    told = {"statusCode": 201, "headers": {"Content-Type": "text/plain", "Content-Length": 9}, "cookies": ["a=1", "b=2"]}
    stream = Written([json.dumps(told).encode() + END, b"body\0\0", b"more"])
    assert answered(stream) == (
        201,
        [
            ("content-type", "text/plain"),
            ("x-amzn-remapped-content-length", "9"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
        ],
        [b"", b"body\0\0", b"more"],
    )
    assert answered(Written([b"{}" + END + b"x"])) == (200, [("content-type", "application/octet-stream")], [b"x"])


@given(st.lists(st.integers(0, 60), max_size=4), st.binary(max_size=20))
def test_wherever_the_wire_cuts_it(cuts: list[int], body: bytes) -> None:
    whole = b'{"statusCode":404,"headers":{"x-a":"b"}}' + END + body
    places = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    chunks = [whole[a:b] for a, b in itertools.pairwise(places) if a < b]
    status, headers, pieces = answered(Written(chunks))
    assert (status, headers) == (404, [("x-a", "b"), ("content-type", "application/octet-stream")])
    assert b"".join(pieces) == body


def test_the_answer_begins_before_there_is_a_body() -> None:
    """`read` is not called again once the prelude is whole: the client has its headers while the function still thinks."""
    stream = Written([b"{}" + END, b"late"])
    made = asyncio.run(streamed_response.from_stream(stream, "f"))
    assert made.status == 200 and stream.chunks == [b"late"]


@pytest.mark.parametrize(
    "chunks",
    [[], [b'{"statusCode":200}'], [b"not json" + END], [b"[]" + END], [b'{"statusCode":7}' + END], [b"{" * 2_000_000]],
)
def test_without_a_whole_prelude_it_is_a_502(chunks: list[bytes]) -> None:
    stream = Written(chunks, end=FAILED)
    status, _, body = answered(stream)
    assert (status, body) == (502, [b"Internal Server Error"])
    assert stream.abandoned


def test_a_failure_after_the_beginning_is_seen_in_the_log_only(caplog: pytest.LogCaptureFixture) -> None:
    broken = Outcome(b'{"errorType":"ValueError","errorMessage":"on the\\nway"}', "Unhandled", "")
    assert answered(Written([b"{}" + END + b"some"], end=broken))[::2] == (200, [b"some"])
    assert "a streamed response of f ended early, which its client can't see: ValueError: on the way" in caplog.text
    assert answered(Written([b"{}" + END + b"some"], end=FAILED))[::2] == (200, [b"some"])
    assert "the function failed" in caplog.text


def test_a_stream_without_prelude_is_the_body() -> None:
    chunks = [b'{"statusCode":404}' + END, b"x"]
    assert answered(Written(list(chunks), "text/x")) == (200, [("content-type", "text/x")], chunks)
    assert answered(Written(list(chunks), ""))[1] == [("content-type", "application/octet-stream")]
    assert answered(Written([], "text/x", FAILED))[0] == 502
    assert answered(Written([], "text/x"))[::2] == (200, [b""])


def test_what_did_not_stream_is_raw() -> None:
    told = b'{"statusCode": 418, "body": "ho"}'
    assert answered(Written([], None, Outcome(told, "", ""))) == (200, [("content-type", "application/json")], [told])
    assert answered(Written([], None, FAILED))[0] == 502
