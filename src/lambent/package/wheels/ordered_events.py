"""The events of jobs that run at the same time, in the order of the jobs: what a user reads doesn't depend on the machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

from lambent.events import Emit, Event

T = TypeVar("T")


class _Order:
    """Lets the events of the first unfinished job through, and keeps those of later ones until it is their turn."""

    def __init__(self, emit: Emit, jobs: int) -> None:
        self._emit = emit
        self._lock = Lock()
        self._waiting: list[list[Event]] = [[] for _ in range(jobs)]
        self._finished = [False] * jobs
        self._current = 0

    def emit(self, job: int, event: Event) -> None:
        with self._lock:
            if job == self._current:
                self._emit(event)
            else:
                self._waiting[job].append(event)

    def finish(self, job: int) -> None:
        with self._lock:
            self._finished[job] = True
            while self._current < len(self._finished) and self._finished[self._current]:
                self._current += 1
                for event in self._waiting[self._current] if self._current < len(self._waiting) else ():
                    self._emit(event)


def run_in_parallel(jobs: Sequence[Callable[[Emit], T]], emit: Emit, at_once: int) -> list[T]:
    """Return the results of jobs, in their order. Each gets an `emit` of its own. At most `at_once` run at the same time.

    Raises the exception of the first job that has failed, once those before it are done; jobs that haven't begun are dropped.
    """
    order = _Order(emit, len(jobs))

    def run(number: int) -> T:
        try:
            return jobs[number](lambda event: order.emit(number, event))
        finally:
            order.finish(number)

    pool = ThreadPoolExecutor(min(at_once, os.cpu_count() or 1))
    try:
        return [future.result() for future in [pool.submit(run, number) for number in range(len(jobs))]]
    finally:
        pool.shutdown(cancel_futures=True)
