"""Which lines of a log stream are an invocation's, and how many of them the page gets."""

from __future__ import annotations

from lambent.local.console.invocation_log import invocation_events, shown_log
from lambent.local.log_store import LogEvent

BEFORE = ("START RequestId: a Version: 1", "END RequestId: a", "REPORT RequestId: a\tDuration: 1 ms")
OWN = ("START RequestId: b Version: 1", "hello", "END RequestId: b", "REPORT RequestId: b\tDuration: 1 ms")
AFTER = ("START RequestId: c Version: 1", "world")


def events(*texts: str) -> list[LogEvent]:
    return [LogEvent(number, 1000 + number, 1000, text) for number, text in enumerate(texts)]


def texts(found: list[LogEvent]) -> tuple[str, ...]:
    return tuple(event.message for event in found)


def test_lines_of_other_invocations_are_left_out() -> None:
    assert texts(invocation_events(events(*BEFORE, *OWN, *AFTER), "b")) == OWN


def test_init_phase_belongs_to_the_first_invocation() -> None:
    init = ("INIT_START Runtime Version: python:3.13.v1", "importing")
    assert texts(invocation_events(events(*init, *OWN, *AFTER), "b")) == (*init, *OWN)


def test_json_logs() -> None:
    own = ('{"time":"","type":"platform.start","record":{"requestId":"b"}}', '{"message":"x"}',
           '{"time":"","type":"platform.report","record":{"requestId":"b"}}')  # fmt: skip
    assert texts(invocation_events(events(*own, '{"type":"platform.start","record":{"requestId":"c"}}'), "b")) == own


def test_log_without_its_start_is_shown_as_it_is() -> None:
    assert texts(invocation_events(events("a", "b"), "x")) == ("a", "b")


def test_what_the_page_gets_is_bounded() -> None:
    long = shown_log(events(*map(str, range(20_000))))
    assert len(long["lines"]) == 3000 and long["left_out"] == 17_000 and long["after"] == 500
    assert long["lines"][499]["text"] == "499" and long["lines"][500]["text"] == "17500"
    wide = shown_log(events("x" * 100_000))
    assert len(wide["lines"][0]["text"]) == 8000 and wide["lines"][0]["cut"] == 92_000
    assert len(shown_log(events(*["x" * 100_000] * 1000))["lines"]) == 250
