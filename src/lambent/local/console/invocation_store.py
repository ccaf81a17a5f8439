"""Recent invocations on disk, in `invocations.sqlite` of the state folder: what the console shows, with their events.

The log of an invocation isn't here: it is read from the log store. Safe in several threads. Raises sqlite3.Error, and
LocalError if it can't be opened.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct, json

from lambent.local.console.summary import Summary, summarize
from lambent.local.database import DisposableDatabase
from lambent.local.engine.recorder import Execution
from lambent.local.log_store import StreamKey

COUNT_MAX = 10_000
_BYTES_MAX = 64 << 20
_SLACK = 200
"""Rows that may be there beyond `COUNT_MAX`, so that not every batch has to delete some."""

EVENT_MAX = 256 * 1024
"""An event of more bytes isn't kept whole, and can't be sent again."""
_SHOWN_MAX = 32 * 1024
"""Bytes that are kept of a larger event, and of each response."""

_TABLE = """CREATE TABLE IF NOT EXISTS invocations (
    id INTEGER PRIMARY KEY, bytes INTEGER, summary BLOB, details BLOB, event BLOB, response BLOB)"""

_SUMMARY = json.Decoder(Summary)


class Details(Struct, frozen=True):
    """Where an invocation's log is, and the whole sizes of its event and its response in bytes; -1 if it was streamed."""

    log: StreamKey
    event_bytes: int
    response_bytes: int
    invoked_arn: str
    client_context: str = ""


class StoredInvocation(Struct, frozen=True):
    """`event` and `response` are cut if they are long: compare their lengths with `details`."""

    summary: Summary
    details: Details
    event: bytes
    response: bytes


class InvocationStore:
    def __init__(self, folder: Path, count_max: int = COUNT_MAX, bytes_max: int = _BYTES_MAX) -> None:
        self._count_max, self._bytes_max = count_max, bytes_max
        self._lock = threading.Lock()
        self._count = self._bytes = self.last_id = 0
        self._database = DisposableDatabase(folder / "invocations.sqlite", self._read_totals)

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def save(self, executions: Sequence[Execution]) -> None:
        """Store invocations that have ended. Delete the oldest if there are too many."""
        rows = [_row(execution) for execution in executions]
        with self._lock:
            with self._database.transaction():
                for row in rows:
                    self._database.execute("INSERT INTO invocations VALUES (?, ?, ?, ?, ?, ?)", row)
            self._count += len(rows)
            self._bytes += sum([row[1] for row in rows])
            with contextlib.suppress(sqlite3.Error):  # on a full disk: the rows are stored, and the next ones try again
                self._prune()

    def summaries(self) -> list[bytes]:
        """Return the summaries as JSON, newest first."""
        with self._lock:
            query = f"SELECT summary FROM invocations ORDER BY id DESC LIMIT {self._count_max}"
            rows = self._database.execute(query)
        return [summary for (summary,) in rows if _is_summary(summary)]

    def read(self, number: int) -> StoredInvocation | None:
        with self._lock:
            query = "SELECT summary, details, event, response FROM invocations WHERE id = ?"
            rows = self._database.execute(query, (number,))
        if not rows:
            return None
        summary, details, event, response = rows[0]
        try:
            return StoredInvocation(_SUMMARY.decode(summary), json.decode(details, type=Details), event, response)
        except (ValueError, TypeError):  # the disk has damaged it
            return None

    def _read_totals(self, database: DisposableDatabase) -> None:
        database.execute(_TABLE)
        query = "SELECT COUNT(*), TOTAL(bytes), MAX(id) FROM invocations"
        ((count, size, last),) = database.execute(query)
        self._count, self._bytes, self.last_id = int(count), int(size), int(last or 0)

    def _prune(self) -> None:
        if self._count > self._count_max + _SLACK:
            self._delete(self._count - self._count_max, 0)
        if self._bytes > self._bytes_max:
            self._delete(0, self._bytes - self._bytes_max)

    def _delete(self, count: int, size: int) -> None:
        """Delete the oldest invocations: at least this many, and at least this many bytes."""
        last = 0
        for number, bytes_ in self._database.execute("SELECT id, bytes FROM invocations ORDER BY id"):
            if count <= 0 and size <= 0:
                break
            last, count, size = number, count - 1, size - bytes_
            self._count -= 1
            self._bytes -= bytes_
        self._database.execute("DELETE FROM invocations WHERE id <= ?", (last,))
        self._database.execute("PRAGMA incremental_vacuum")


def _is_summary(summary: bytes) -> bool:
    """Whether the disk has kept a summary as it was."""
    try:
        _SUMMARY.decode(summary)
    except (ValueError, TypeError):  # TypeError: another type than bytes
        return False
    return True


def _row(execution: Execution) -> tuple[int, int, bytes, bytes, bytes, bytes]:
    function, invocation, outcome = execution.function, execution.invocation, execution.outcome
    answer = outcome.payload if outcome is not None and execution.streamed is None else b""
    details = Details(
        log=StreamKey(function.region, function.log_group, outcome.log_stream if outcome is not None else ""),
        event_bytes=len(invocation.payload),
        response_bytes=len(answer) if execution.streamed is None else -1,
        invoked_arn=invocation.invoked_arn,
        client_context=invocation.client_context,
    )
    event = invocation.payload if len(invocation.payload) <= EVENT_MAX else invocation.payload[:_SHOWN_MAX]
    parts = (json.encode(summarize(execution)), json.encode(details), event, answer[:_SHOWN_MAX])
    return (execution.id, sum(map(len, parts)), *parts)
