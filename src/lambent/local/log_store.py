"""The events of CloudWatch Logs on disk, in `logs.sqlite` of the state folder. moto keeps groups and streams in memory.

Events are stored in batches, as they arrive. The oldest batches of a stream, and of all streams, are deleted when there are
too many. Safe in several threads.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct, json

from lambent.local.database import DisposableDatabase

log = logging.getLogger("lambent.aws_services")

EVENTS_MAX = 20_000
"""Events that a stream keeps at least."""

_BYTES_MAX = 256 << 20
_BATCH = 1000
_TABLE = """CREATE TABLE IF NOT EXISTS batches (
    id INTEGER PRIMARY KEY, region TEXT, log_group TEXT, stream TEXT,
    events INTEGER, bytes INTEGER, oldest INTEGER, newest INTEGER, last_id INTEGER, content BLOB)"""
_INDEX = "CREATE INDEX IF NOT EXISTS batches_of_a_stream ON batches (region, log_group, stream, id)"
_OF_STREAM = "region = ? AND log_group = ? AND stream = ?"


class StreamKey(Struct, frozen=True, gc=False):
    region: str
    group: str
    stream: str

    def columns(self) -> tuple[str, str, str]:
        return self.region, self.group, self.stream


class LogEvent(Struct, frozen=True, gc=False, array_like=True):
    """One event. Times are in milliseconds since the epoch; `ingested` is when it came."""

    id: int
    timestamp: int
    ingested: int
    message: str


_DECODER = json.Decoder(list[LogEvent])


class LogStore:
    """The events in a folder. Raises sqlite3.Error if it can't be read or written, and LocalError if it can't be opened."""

    def __init__(self, folder: Path, bytes_max: int = _BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._lock = threading.RLock()
        self._window = threading.local()
        self._counts: dict[StreamKey, int] = {}
        self._bytes = 0
        self._database = DisposableDatabase(folder / "logs.sqlite", self._prepare)

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def append(self, key: StreamKey, events: Sequence[LogEvent]) -> None:
        """Store events of one stream. Delete its oldest ones, and those of all streams, if there are too many."""
        with self._lock:
            with self.transaction():
                for start in range(0, len(events), _BATCH):
                    self._insert(key, events[start : start + _BATCH])
            self._bytes += sum([len(event.message) for event in events])
            self._counts[key] = self._counts.get(key, 0) + len(events)
            with contextlib.suppress(sqlite3.Error):  # on a full disk: the events are stored, and the next ones try again
                self._prune(key)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Make what this thread does inside durable at the end, or undo it if that fails or anything is raised.

        Other threads wait meanwhile.
        """
        with self._lock:
            counts, size = dict(self._counts), self._bytes
            try:
                with self._database.transaction():
                    yield
            except BaseException:
                self._counts, self._bytes = counts, size
                raise

    def read(self, key: StreamKey) -> Iterator[LogEvent]:
        """Yield the events of a stream as they came, in the thread's window of time if it has one."""
        start, end = getattr(self._window, "range", (0, 1 << 62))
        condition = f"{_OF_STREAM} AND newest >= ? AND oldest <= ? AND id > ?"
        last = 0
        while True:
            query = f"SELECT id, content FROM batches WHERE {condition} ORDER BY id LIMIT 20"
            with self._lock:
                rows = self._database.execute(query, (*key.columns(), start, end, last))
            if not rows:
                return
            for last, content in rows:  # noqa: B007 - the last one is where it goes on
                yield from _events(content)

    @contextlib.contextmanager
    def window(self, start: int | None, end: int | None) -> Iterator[None]:
        """Inside, this thread reads only batches that have events from `start` to `end` (milliseconds)."""
        self._window.range = (start or 0, end or 1 << 62)
        try:
            yield
        finally:
            del self._window.range

    def count(self, key: StreamKey) -> int:
        with self._lock:
            return self._counts.get(key, 0)

    def span(self, key: StreamKey) -> tuple[int | None, int | None]:
        """Return the times of the oldest and the newest event."""
        with self._lock:
            query = f"SELECT MIN(oldest), MAX(newest) FROM batches WHERE {_OF_STREAM}"
            ((oldest, newest),) = self._database.execute(query, key.columns())
        return oldest, newest

    def streams(self) -> list[StreamKey]:
        """Return the streams that have events, oldest first."""
        with self._lock:
            return list(self._counts)

    def last_id(self) -> int:
        with self._lock:
            ((last,),) = self._database.execute("SELECT MAX(last_id) FROM batches")
            return int(last or 0)

    def delete(self, region: str, group: str, stream: str | None = None) -> None:
        """Delete the events of a stream, or of a whole group."""
        with self._lock:
            if stream is None:
                self._delete("region = ? AND log_group = ?", region, group)
            else:
                self._delete(_OF_STREAM, region, group, stream)

    def expire(self, region: str, group: str, before_ms: int) -> None:
        """Delete the batches of a group whose events are all older."""
        with self._lock:
            self._delete("region = ? AND log_group = ? AND newest < ?", region, group, before_ms)

    def _prepare(self, database: DisposableDatabase) -> None:
        database.execute(_TABLE)
        database.execute(_INDEX)
        query = "SELECT region, log_group, stream, TOTAL(events), TOTAL(bytes) FROM batches GROUP BY 1, 2, 3 ORDER BY MIN(id)"
        rows = database.execute(query)
        self._counts = {StreamKey(*row[:3]): int(row[3]) for row in rows}
        self._bytes = sum(int(row[4]) for row in rows)

    def _insert(self, key: StreamKey, events: Sequence[LogEvent]) -> None:
        times = [event.timestamp for event in events]
        row = (
            *key.columns(), len(events), sum([len(event.message) for event in events]), min(times), max(times), events[-1].id,
            json.encode(events),
        )  # fmt: skip
        self._database.execute("INSERT INTO batches VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def _prune(self, key: StreamKey) -> None:
        if self._counts[key] >= EVENTS_MAX + _BATCH:
            last = self._last_of("events", self._counts[key] - EVENTS_MAX, _OF_STREAM, *key.columns())
            self._delete(f"{_OF_STREAM} AND id <= ?", *key.columns(), last)
        if self._bytes > self._bytes_max:
            self._delete("id <= ?", self._last_of("bytes", self._bytes - self._bytes_max, "TRUE"))

    def _last_of(self, column: str, excess: int, condition: str, *parameters: str) -> int:
        """Return the last of the oldest batches that together have at most `excess` of this column, or else the first batch."""
        last = 0
        for number, amount in self._database.execute(
            f"SELECT id, {column} FROM batches WHERE {condition} ORDER BY id", parameters
        ):
            excess -= amount
            if excess < 0:
                return last or int(number)
            last = number
        return last

    def _delete(self, condition: str, *parameters: str | int) -> None:
        query = f"SELECT region, log_group, stream, events, bytes FROM batches WHERE {condition}"
        rows = self._database.execute(query, parameters)
        self._database.execute(f"DELETE FROM batches WHERE {condition}", parameters)
        for region, group, stream, events, size in rows:
            key = StreamKey(region, group, stream)
            self._bytes -= size
            self._counts[key] = self._counts.get(key, 0) - events
            if self._counts[key] <= 0:
                del self._counts[key]
        self._database.execute("PRAGMA incremental_vacuum")


def _events(content: bytes) -> list[LogEvent]:
    """Return the events of a batch, or none if the disk has damaged it."""
    try:
        return _DECODER.decode(content)
    except (ValueError, TypeError) as error:  # TypeError: another type than bytes
        log.error("a batch of log events can't be read: %s", error)
        return []
