"""Log lines of functions, delivered to CloudWatch Logs in batches so that no invocation waits for them."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence

from msgspec import Struct

from .batch_thread import BatchThread
from .subscribers import Subscribers

_log = logging.getLogger(__name__)

_BATCH_S = 0.1
"""How long lines wait for more of them. Anyone who reads logs through the API calls `flush` first, so they never notice."""

_QUEUE_MAX = 64 << 20
"""Bytes that may wait. When lines come faster than they can be delivered, new ones are dropped; memory stays bounded."""

_LINE_BYTES = 100
"""What a line takes in memory besides its text."""

_Stream = tuple[str, str, str]


class LogLine(Struct, frozen=True, gc=False):
    """One log event: milliseconds since the epoch, and the text without its newline."""

    timestamp_ms: int
    message: str


Listener = Callable[[str, str, str, Sequence[LogLine]], None]
"""Is called with region, group, stream and lines, in any thread. Must neither block nor raise."""


class LogSink:
    """A queue of log lines. `deliver(region, group, stream, lines)` may block: it runs in this sink's thread or in `flush`.

    Lines that were dropped, because the queue was full or `deliver` failed, are mentioned in their stream as soon as possible.
    """

    def __init__(self, deliver: Callable[[str, str, str, list[LogLine]], None], queue_max: int = _QUEUE_MAX) -> None:
        self._deliver = deliver
        self._queue_max = queue_max
        self._queue: deque[tuple[_Stream, Sequence[LogLine]]] = deque()
        self._waiting = 0
        self._dropped: Counter[_Stream] = Counter()
        self._lock = threading.Lock()  # for the three above
        self._delivering = threading.Lock()
        self._subscribers: Subscribers[str, str, str, Sequence[LogLine]] = Subscribers()
        self._thread = BatchThread("logs", self.flush, _BATCH_S)

    def start(self) -> None:
        self._thread.start()

    def write(self, region: str, group: str, stream: str, lines: Sequence[LogLine]) -> None:
        """Queue lines of one stream. Never blocks and never fails."""
        if not lines:
            return
        size = sum([len(line.message) for line in lines]) + _LINE_BYTES * len(lines)
        with self._lock:
            if self._waiting + size > self._queue_max and self._waiting:
                self._dropped[region, group, stream] += len(lines)
            else:
                self._waiting += size
                self._queue.append(((region, group, stream), lines))
        self._thread.wake()
        self._subscribers.notify(region, group, stream, lines)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with all lines from now on. Return what ends that."""
        return self._subscribers.add(listener)

    def flush(self) -> None:
        """Deliver what is queued, in the calling thread. Lines of one stream keep their order."""
        with self._delivering:
            with self._lock:
                queue, self._queue = self._queue, deque()
                size, dropped, self._dropped = self._waiting, self._dropped, Counter()
            batches: dict[_Stream, list[LogLine]] = {}
            for key, lines in queue:
                batches.setdefault(key, []).extend(lines)
            queue.clear()
            for key in [*batches, *(key for key in dropped if key not in batches)]:
                self._deliver_batch(key, batches.pop(key, []), dropped[key])
            with self._lock:
                self._waiting -= size

    def close(self) -> None:
        """Deliver what is left and end the thread."""
        self._thread.close()

    def _deliver_batch(self, key: _Stream, lines: list[LogLine], dropped: int) -> None:
        delivered = [*lines, _dropped_line(dropped)] if dropped else lines
        try:
            self._deliver(*key, delivered)
        except Exception as error:
            # The other end is moto and a disk, which may fail in any way. A function must not stop because of its log.
            _log.error("lost %d lines for the log group %s: %r", len(lines), key[1], error)
            with self._lock:
                self._dropped[key] += dropped + len(lines)


def _dropped_line(count: int) -> LogLine:
    return LogLine(now_ms(), f"[lambent] {count} log lines were dropped: they came faster than they can be stored")


def now_ms() -> int:
    """Return the time as log lines have it."""
    return time.time_ns() // 1_000_000
