"""Records every invocation, for the console. No invocation waits for that: a thread saves the records in batches."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from .batch_thread import BatchThread
from .invocation import Function, Invocation, Outcome
from .log_sink import now_ms
from .subscribers import Subscribers

_log = logging.getLogger(__name__)

_BATCH_S = 0.2
"""How long records wait for more of them. Readers of what is saved call `flush` first."""

_QUEUE_MAX = 32 << 20
"""Bytes of events and responses that may wait. Beyond that invocations run without being recorded."""

_RECORD_BYTES = 1000
"""What a record takes in memory besides its event and its response."""

THROTTLED = "throttled"
INTERRUPTED = "interrupted"
"""The refusal of an invocation that the service's end has cut off."""


class Execution(Struct, frozen=True):
    """An invocation that has begun. Once it has ended, `ended_ms` and either `outcome` or `refusal` are set.

    `id` grows from one to the next. Times are in milliseconds since the epoch. `refusal` is one of the words above, or a
    sentence that says why there is no environment. `streamed` is the beginning of a streamed response.
    """

    id: int
    function: Function
    invocation: Invocation
    started_ms: int
    ended_ms: int = 0
    outcome: Outcome | None = None
    refusal: str = ""
    streamed: bytes | None = None


Watcher = Callable[[Execution], None]
"""Is called in the event loop when an invocation begins and when it has ended. Must neither block nor raise."""


class Recorder:
    """`save` may block and raise. `last_id` is that of the newest record from an earlier run."""

    def __init__(self, save: Callable[[Sequence[Execution]], None], last_id: int = 0) -> None:
        self._save = save
        self._last_id = last_id
        self._running: dict[int, Execution] = {}
        self._queue: deque[Execution] = deque()
        self._waiting = 0
        self._subscribers: Subscribers[Execution] = Subscribers()
        self._lock = threading.Lock()  # for the queue and its size
        self._saving = threading.Lock()
        self._thread = BatchThread("recorder", self.flush, _BATCH_S)

    def start(self) -> None:
        self._thread.start()

    def begin(self, function: Function, invocation: Invocation) -> Execution:
        self._last_id += 1
        execution = Execution(self._last_id, function, invocation, now_ms())
        self._running[execution.id] = execution
        self._subscribers.notify(execution)
        return execution

    def end(
        self, execution: Execution, outcome: Outcome | None = None, refusal: str = "", streamed: bytes | None = None
    ) -> None:
        """Queue the record. Never blocks and never fails."""
        del self._running[execution.id]
        ended = replace(execution, ended_ms=now_ms(), outcome=outcome, refusal=refusal, streamed=streamed)
        size = _size(ended)
        with self._lock:
            if self._waiting + size <= _QUEUE_MAX or not self._waiting:
                self._waiting += size
                self._queue.append(ended)
        self._thread.wake()
        self._subscribers.notify(ended)

    def running(self) -> list[Execution]:
        """Return the invocations that have not ended, oldest first."""
        return list(self._running.values())

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Call `watcher` from now on. Return what ends that."""
        return self._subscribers.add(watcher)

    def flush(self) -> None:
        """Save what is queued, in the calling thread."""
        with self._saving:
            with self._lock:
                queue, self._queue = self._queue, deque()
                size = self._waiting
            if not queue:
                return
            try:
                self._save(queue)
            except Exception as error:  # a disk, which may fail in any way; functions go on
                _log.error("lost the records of %d invocations: %r", len(queue), error)
            with self._lock:
                self._waiting -= size

    def close(self) -> None:
        """Save what is left and end the thread."""
        self._thread.close()


def _size(execution: Execution) -> int:
    response = len(execution.outcome.payload) if execution.outcome is not None else 0
    return len(execution.invocation.payload) + response + _RECORD_BYTES
