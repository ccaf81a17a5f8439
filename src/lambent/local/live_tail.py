"""CloudWatch Logs' StartLiveTail: the events of log groups while they are logged, which moto has only for the past.

A session sends an update every second, even an empty one, as on AWS, and here also as soon as something is logged. See
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatchLogs_LiveTail.html.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from lambent.local.control.event_stream import CONTENT_TYPE, frame
from lambent.local.engine.log_sink import LogLine, LogSink, now_ms
from lambent.local.http import Request, Response, credential_scope

_TARGET = "Logs_20140328.StartLiveTail"
_SESSION_S = 3 * 3600
_EVENTS_MAX = 500
"""Events in one update: AWS samples when there are more, this session sends the newest."""
_WAITING_MAX = 5000
"""Events that wait for a slow client. The oldest are dropped, as on AWS."""
_JSON = "application/json"


def is_live_tail(request: Request) -> bool:
    return request.header("x-amz-target") == _TARGET


def live_tail(request: Request, refusal: Response, sink: LogSink, stopping: asyncio.Event) -> Response:
    """Return a response that ends when the service is `stopping`, or moto's `refusal` if there are no such groups."""
    if refusal.status >= 300:
        return refusal
    members = json.loads(request.body)
    groups = {identifier.rpartition(":log-group:")[2] for identifier in members["logGroupIdentifiers"]}
    prefixes = (*members.get("logStreamNames", ()), *members.get("logStreamNamePrefixes", ()))
    session = Session(credential_scope(request)[1], groups, tuple(prefixes), members.get("logEventFilterPattern", ""))
    return Response(200, (("content-type", CONTENT_TYPE),), b"", session.frames(sink, stopping), endless=True)


class Session:
    """The events of some log groups of a region. `prefixes` are of stream names, and `term` is in every event."""

    def __init__(self, region: str, groups: set[str], prefixes: tuple[str, ...], term: str) -> None:
        self._region = region
        self._groups = groups
        self._prefixes = prefixes
        self._term = term.strip('"')
        self._events: list[dict[str, Any]] = []
        self._wake = asyncio.Event()

    async def frames(self, sink: LogSink, stopping: asyncio.Event) -> AsyncGenerator[bytes, None]:
        loop = asyncio.get_running_loop()

        def listener(*entry: Any) -> None:
            loop.call_soon_threadsafe(self._take, *entry)

        unsubscribe = sink.subscribe(listener)
        ends = time.monotonic() + _SESSION_S
        try:
            yield frame("initial-response", _JSON, b"{}")
            yield frame("sessionStart", _JSON, self._start())
            yield frame("sessionUpdate", _JSON, self._update())
            while time.monotonic() < ends and not stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), 1)
                yield frame("sessionUpdate", _JSON, self._update())
        finally:
            unsubscribe()

    def _take(self, region: str, group: str, stream: str, lines: Sequence[LogLine]) -> None:
        if region != self._region or group not in self._groups or not stream.startswith(self._prefixes or ("",)):
            return
        now = now_ms()
        for line in lines:
            if self._term in line.message:
                members = {"logStreamName": stream, "logGroupIdentifier": group, "message": line.message}
                self._events.append({**members, "timestamp": line.timestamp_ms, "ingestionTime": now})
        del self._events[:-_WAITING_MAX]
        self._wake.set()

    def _start(self) -> bytes:
        members = {"requestId": str(uuid.uuid4()), "sessionId": str(uuid.uuid4()), "logGroupIdentifiers": sorted(self._groups)}
        return json.dumps(members).encode()

    def _update(self) -> bytes:
        events, self._events = self._events, []
        self._wake.clear()
        metadata = {"sampled": len(events) > _EVENTS_MAX}
        return json.dumps({"sessionMetadata": metadata, "sessionResults": events[-_EVENTS_MAX:]}).encode()
