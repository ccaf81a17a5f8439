"""What every listener to events can rely on."""

from __future__ import annotations

from lambent.events import Event, Notice, StepStarted, Warned, without_repeats


def test_lines_of_builds_that_follow_each_other_come_once() -> None:
    passed = list[Event]()
    emit = without_repeats(passed.append)
    events = [Warned("slow", "wait"), Notice("slow"), Warned("slow"), StepStarted("build")]
    for event in (*events, *events):
        emit(event)
    assert passed == [*events, StepStarted("build")]
