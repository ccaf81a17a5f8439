"""A thread that works off a queue in batches, so that what fills the queue never waits."""

from __future__ import annotations

import threading
from collections.abc import Callable


class BatchThread:
    """Calls `flush` `batch_s` seconds after `wake`, once for all calls of `wake` in between. `flush` may block."""

    def __init__(self, name: str, flush: Callable[[], None], batch_s: float) -> None:
        self._flush = flush
        self._batch_s = batch_s
        self._pending = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something in the queue. Never blocks."""
        self._pending.set()

    def close(self) -> None:
        """End the thread, and flush what is left in the calling thread."""
        self._closing.set()
        self._pending.set()
        if self._thread.is_alive():
            self._thread.join()
        self._flush()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._pending.wait()
            self._closing.wait(self._batch_s)
            self._pending.clear()
            self._flush()
