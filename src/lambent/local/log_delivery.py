"""Delivers the log lines of functions to CloudWatch Logs, and removes what is too old there.

It runs in the log sink's thread. `backend(region)` returns moto's service, `create_group(region, name)` creates a log group.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from lambent.local.engine.log_sink import LogLine, now_ms
from lambent.local.log_store import LogStore

_STREAMS_MAX = 500
"""Log streams of a group: each execution environment has its own."""

_EXPIRE_INTERVAL_S = 60
_DAY_MS = 86_400_000


class LogDelivery:
    def __init__(self, store: LogStore, backend: Callable[[str], Any], create_group: Callable[[str, str], None]) -> None:
        self._store = store
        self._backend = backend
        self._create_group = create_group
        self._expired: dict[tuple[str, str], float] = {}

    def deliver(self, region: str, group: str, stream: str, lines: Sequence[LogLine]) -> None:
        """Store lines of one stream. Creates the group and the stream."""
        logs = self._backend(region)
        if group not in logs.groups:
            self._create_group(region, group)
        if stream not in logs.groups[group].streams:
            logs.create_log_stream(group, stream)
            self._remove_oldest(logs.groups[group])
        ordered = sorted(lines, key=lambda line: line.timestamp_ms)
        logs.put_log_events(group, stream, [{"timestamp": line.timestamp_ms, "message": line.message} for line in ordered])
        self._expire(region, logs.groups[group])

    def restore(self) -> None:
        """Create the streams again that have events on disk. Their groups have been replayed."""
        for key in self._store.streams():
            try:
                logs = self._backend(key.region)
            except KeyError:  # the disk has damaged the region's name
                continue
            group = logs.groups.get(key.group)
            if group is None:
                self._store.delete(key.region, key.group)
                continue
            logs.ensure_log_stream(key.group, key.stream)
            stream, span = group.streams[key.stream], self._store.span(key)
            stream.creation_time, stream.last_ingestion_time = (_moto_time(at or 0) for at in span)

    def _remove_oldest(self, group: Any) -> None:
        for name in list(group.streams)[:-_STREAMS_MAX]:
            group.delete_log_stream(name)

    def _expire(self, region: str, group: Any) -> None:
        """Apply the group's retention once in a while."""
        now = time.monotonic()
        if group.retention_in_days and now - self._expired.get((region, group.name), -_EXPIRE_INTERVAL_S) >= _EXPIRE_INTERVAL_S:
            self._expired[region, group.name] = now
            before_ms = now_ms() - int(group.retention_in_days) * _DAY_MS
            self._store.expire(region, group.name, before_ms)


def _moto_time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).replace(tzinfo=None)
