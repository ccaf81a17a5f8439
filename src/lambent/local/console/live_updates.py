"""The console's event stream: invocations as they begin and end, and when a function changes (server-sent events)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from msgspec import json

from lambent.local.console.summary import summarize
from lambent.local.engine.recorder import Execution, Recorder

_PAUSE_S = 0.1
"""The least time between two messages. What happens in between is in one of them."""

_LOOK_S = 1.0
"""How often it is looked whether functions have changed."""

_SILENCE_S = 15.0
"""After that a comment is sent, so that neither end takes the connection for dead."""

_WAITING_MAX = 2000
"""Invocations that wait for a slow browser. If there are more, it has to read the list again."""


class LiveUpdates:
    """`revision` returns a number that grows when functions change. The stream ends with `stopping`."""

    def __init__(self, recorder: Recorder, revision: Callable[[], int], stopping: asyncio.Event) -> None:
        self._recorder = recorder
        self._revision = revision
        self._stopping = stopping

    async def messages(self) -> AsyncGenerator[bytes, None]:
        """Yield messages until the service stops. Invocations that are running come first."""
        waiting: dict[int, Execution] = {execution.id: execution for execution in self._recorder.running()}
        wake, lost = asyncio.Event(), False

        def take(execution: Execution) -> None:
            nonlocal lost
            if len(waiting) < _WAITING_MAX or execution.id in waiting:
                waiting[execution.id] = execution
            else:
                lost = True
            wake.set()

        unwatch = self._recorder.watch(take)
        revision, silent_s = self._revision(), 0.0
        try:
            yield b"retry: 1000\n\n"
            while not self._stopping.is_set():
                message = b""
                if waiting:
                    message += _message("invocations", [summarize(each) for each in waiting.values()])
                    waiting.clear()
                if lost:
                    message, lost = message + _message("lost", None), False
                if revision != self._revision():
                    revision = self._revision()
                    message += _message("functions", None)
                silent_s = 0.0 if message else silent_s + _LOOK_S
                if silent_s >= _SILENCE_S:
                    message, silent_s = b": nothing new\n\n", 0.0
                if message:
                    yield message
                    await self._sleep(self._stopping, _PAUSE_S)
                wake.clear()
                if not waiting and not lost:
                    await self._sleep(wake, _LOOK_S)
        finally:
            unwatch()

    @staticmethod
    async def _sleep(event: asyncio.Event, seconds: float) -> None:
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return


def _message(kind: str, content: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.encode(content))
