"""Log lines of functions -> moto's CloudWatch Logs, in batches and off the hot path."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from lambent.local.engine.invocation import LogLine

Deliver = Callable[[str, str, str, list[LogLine]], None]

_GATHER_S = 0.05
"""Lines wait this long for company. Whoever reads logs through the API flushes first and so never notices."""

_QUEUE_MAX = 200_000
"""Lines that may wait: when the service is flooded the oldest are lost, not its memory."""


class BatchingSink:
    """A LogSink. `deliver(region, group, stream, lines)` runs in this sink's own thread, or in the thread that flushes."""

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._waiting: deque[tuple[str, str, str, LogLine]] = deque(maxlen=_QUEUE_MAX)
        self._some = threading.Event()
        self._ending = threading.Event()
        self._delivering = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def write(self, region: str, group: str, stream: str, lines: Sequence[LogLine]) -> None:
        """Never blocks and never fails."""
        self._waiting.extend((region, group, stream, line) for line in lines)
        self._some.set()

    def flush(self) -> None:
        """Delivers what waits, in the calling thread."""
        with self._delivering:
            batches: dict[tuple[str, str, str], list[LogLine]] = {}
            while self._waiting:
                region, group, stream, line = self._waiting.popleft()
                batches.setdefault((region, group, stream), []).append(line)
            for where, lines in batches.items():
                self._deliver(*where, lines)

    def close(self) -> None:
        self._ending.set()
        self._some.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._ending.is_set():
            self._some.wait()
            self._ending.wait(_GATHER_S)
            self._some.clear()
            self.flush()
