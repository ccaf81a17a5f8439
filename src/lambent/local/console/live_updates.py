"""The console's event stream: invocations as they begin and end, and when a function changes (server-sent events)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable

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
    """`revision` returns a number that grows when functions change. The streams end with `stopping`."""

    def __init__(self, recorder: Recorder, revision: Callable[[], int], stopping: asyncio.Event) -> None:
        self._recorder = recorder
        self._revision = revision
        self._stopping = stopping

    async def messages(self) -> AsyncGenerator[bytes, None]:
        """Yield messages until the service stops. Invocations that are running come first."""
        backlog = _Backlog(self._recorder.running(), self._revision)
        unwatch = self._recorder.watch(backlog.add)
        silent_s = 0.0
        try:
            yield b"retry: 1000\n\n"
            while not self._stopping.is_set():
                message = backlog.take()
                silent_s = 0.0 if message else silent_s + _LOOK_S
                if silent_s >= _SILENCE_S:
                    message, silent_s = b": nothing new\n\n", 0.0
                if message:
                    yield message
                    await _wait(self._stopping, _PAUSE_S)
                await _wait(backlog.wake, _LOOK_S)
        finally:
            unwatch()


class _Backlog:
    """What hasn't been sent to one browser yet. Of each invocation only the newest state counts."""

    def __init__(self, running: Iterable[Execution], revision: Callable[[], int]) -> None:
        self.wake = asyncio.Event()
        self._waiting: dict[int, Execution] = {}
        self._lost = False
        self._revision = revision
        self._told = revision()
        for execution in running:
            self.add(execution)

    def add(self, execution: Execution) -> None:
        if len(self._waiting) < _WAITING_MAX or execution.id in self._waiting:
            self._waiting[execution.id] = execution
        else:
            self._lost = True
        self.wake.set()

    def take(self) -> bytes:
        """Return the messages, b"" if there is nothing to tell."""
        messages = b""
        if self._waiting:
            messages += _message("invocations", [summarize(each) for each in self._waiting.values()])
        if self._lost:
            messages += _message("lost", None)
        if self._told != self._revision():
            self._told = self._revision()
            messages += _message("functions", None)
        self._waiting, self._lost = {}, False
        self.wake.clear()
        return messages


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


def _message(kind: str, content: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.encode(content))
