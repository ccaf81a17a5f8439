"""What a page is told: everything once, the newest state of each invocation, and when it has missed some."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from lambent.local.console import live_updates
from lambent.local.console.live_updates import LiveUpdates
from lambent.local.engine.recorder import Recorder
from support.executions import make_execution


async def read(messages: AsyncGenerator[bytes, None], kind: str) -> Any:
    """Return the content of the next message of a kind."""
    async for message in messages:
        for event in message.decode().split("\n\n"):
            head, _, data = event.partition("\ndata: ")
            if head == f"event: {kind}":
                return json.loads(data)
    raise AssertionError(f"the stream ended before {kind}")


def test_messages() -> None:
    async def body() -> None:
        recorder, stopping, revision = Recorder(lambda executions: None), asyncio.Event(), [1]
        messages = LiveUpdates(recorder, lambda: revision[0], stopping).messages()
        template = make_execution()
        running = recorder.begin(template.function, template.invocation)
        assert [row["id"] for row in await read(messages, "invocations")] == [1]
        recorder.end(running, template.outcome)
        quick = recorder.begin(template.function, template.invocation)
        recorder.end(quick, template.outcome)
        rows = await read(messages, "invocations")
        assert [(row["id"], row["state"]) for row in rows] == [(1, "ok"), (2, "ok")]
        revision[0] += 1
        assert await read(messages, "functions") is None
        for _ in range(live_updates._WAITING_MAX + 1):
            recorder.end(recorder.begin(template.function, template.invocation), template.outcome)
        assert await read(messages, "lost") is None
        stopping.set()
        assert [message async for message in messages] == []

    asyncio.run(body())
