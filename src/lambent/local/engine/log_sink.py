"""Log lines of functions, delivered to CloudWatch Logs in batches so that no invocation waits for them."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence

from msgspec import Struct

_log = logging.getLogger(__name__)

_BATCH_S = 0.1
"""How long lines wait for more of them. Anyone who reads logs through the API calls `flush` first, so they never notice."""

_QUEUE_MAX = 200_000
"""Lines that may wait. When functions write faster than lines can be delivered, the oldest are lost; memory stays bounded."""


class LogLine(Struct, frozen=True):
    """One log event: milliseconds since the epoch, and the text without its newline."""

    timestamp_ms: int
    message: str


class LogSink:
    """A queue of log lines. `deliver(region, group, stream, lines)` may block: it runs in this sink's thread or in `flush`."""

    def __init__(self, deliver: Callable[[str, str, str, list[LogLine]], None]) -> None:
        self._deliver = deliver
        self._queue: deque[tuple[str, str, str, LogLine]] = deque(maxlen=_QUEUE_MAX)
        self._pending = threading.Event()
        self._closing = threading.Event()
        self._delivering = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def write(self, region: str, group: str, stream: str, lines: Sequence[LogLine]) -> None:
        """Queue lines of one stream. Never blocks and never fails."""
        if lines:
            self._queue.extend((region, group, stream, line) for line in lines)
            self._pending.set()

    def flush(self) -> None:
        """Deliver what is queued, in the calling thread. Lines of one stream keep their order."""
        with self._delivering:
            batches: dict[tuple[str, str, str], list[LogLine]] = {}
            while self._queue:
                region, group, stream, line = self._queue.popleft()
                batches.setdefault((region, group, stream), []).append(line)
            for (region, group, stream), lines in batches.items():
                try:
                    self._deliver(region, group, stream, lines)
                except Exception:
                    # The other end is moto, which may fail in any way. A function must not stop because of its log.
                    _log.exception("lost %d lines for the log group %s", len(lines), group)

    def close(self) -> None:
        """Deliver what is left and end the thread."""
        self._closing.set()
        self._pending.set()
        if self._thread.is_alive():
            self._thread.join()
        self.flush()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._pending.wait()
            self._closing.wait(_BATCH_S)
            self._pending.clear()
            self.flush()
