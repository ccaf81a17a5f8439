"""Jobs that run at the same time report in their own order."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from lambent.events import Emit, Event, Notice
from lambent.package.wheels import ordered_events
from lambent.package.wheels.ordered_events import run_in_parallel


@pytest.fixture(autouse=True)
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordered_events.os, "cpu_count", lambda: 4)


def test_events_are_in_the_order_of_the_jobs_although_the_last_ends_first() -> None:
    events: list[Event] = []
    ended = threading.Event()

    def first(emit: Emit) -> int:
        emit(Notice("begin 1"))
        assert ended.wait(30)  # both run at the same time
        emit(Notice("end 1"))
        return 1

    def second(emit: Emit) -> int:
        emit(Notice("begin 2"))
        emit(Notice("end 2"))
        ended.set()
        return 2

    assert run_in_parallel([first, second], events.append, 4) == [1, 2]
    assert events == [Notice("begin 1"), Notice("end 1"), Notice("begin 2"), Notice("end 2")]


def test_first_failure_is_raised_and_what_has_not_begun_is_dropped() -> None:
    begun: list[int] = []

    def job(number: int) -> Callable[[Emit], int]:
        def run(emit: Emit) -> int:
            begun.append(number)
            raise LookupError(number)

        return run

    with pytest.raises(LookupError, match="0"):
        run_in_parallel([job(number) for number in range(500)], lambda event: None, 1)
    assert len(begun) < 500


def test_one_at_a_time_is_one_after_the_other() -> None:
    events: list[Event] = []
    jobs = [lambda emit, number=number: emit(Notice(str(number))) for number in range(5)]
    run_in_parallel(jobs, events.append, 1)
    assert events == [Notice(str(number)) for number in range(5)]
