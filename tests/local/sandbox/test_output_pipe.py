"""The pipe of a function's output: how much is read at once, and when it is not read."""

from __future__ import annotations

import asyncio
import contextlib
import os

import pytest

from lambent.local.sandbox import output_pipe
from lambent.local.sandbox.output_pipe import OutputPipe


def fill(pipe: OutputPipe) -> int:
    """Write until the pipe is full. Returns the bytes written."""
    os.set_blocking(pipe.writer, False)
    size = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            size += os.write(pipe.writer, b"x\n" * 512)
    return size


def test_drain_ends_although_the_process_goes_on_writing() -> None:
    async def body() -> None:
        pipe = OutputPipe()
        received: list[bytes] = []

        def write_on(chunk: bytes) -> None:
            received.append(chunk)
            assert len(received) < 10, "it doesn't end"
            fill(pipe)

        pipe.listen(write_on)
        size = fill(pipe)
        pipe.drain()
        assert len(b"".join(received)) == size
        pipe.close()

    asyncio.run(body())


def test_pipe_that_has_used_its_burst_is_not_read_until_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_pipe, "_BURST", 1)
    monkeypatch.setattr(output_pipe, "_RATE", 1)

    async def body() -> None:
        loop = asyncio.get_running_loop()
        fast, slow = OutputPipe(), OutputPipe()
        received: list[bytes] = []
        fast.listen(received.append)
        fill(fast)
        waiting = loop.create_future()
        slow.listen(waiting.set_result)
        size = fill(fast)
        os.write(slow.writer, b"z")
        assert await waiting == b"z"
        first = len(b"".join(received))
        assert 0 < first <= 1 << 16
        fill(fast)
        for _ in range(5):
            await asyncio.sleep(0)
        assert len(b"".join(received)) == first, "the full pipe slows the writer down"
        fast.drain()
        assert len(b"".join(received)) > first, "what was written before the response belongs to it"
        fast.close()
        slow.close()
        assert size >= 0
        assert not OutputPipe._throttled

    asyncio.run(body())
