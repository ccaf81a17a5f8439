"""Reading the whole log of an invocation when its response came with the end only."""

from __future__ import annotations

from typing import Any

import pytest

from lambent.aws.values import Invoked, LogEvent
from lambent.deployment.invocation_log import log_of_slow_start, whole_log

LINES = ("START RequestId: a", "Traceback", "END RequestId: a", "REPORT RequestId: a\tDuration: 3 ms")
LATER = ("START RequestId: b", "REPORT RequestId: b\tDuration: 1 ms")


class Logs:
    """The one call that is used. The end of the log appears at the second look."""

    def __init__(self) -> None:
        self.looks = 0

    def log_events(self, group: str, stream_prefix: str, since_ms: int) -> tuple[LogEvent, ...]:
        self.looks += 1
        lines = (*LINES, *LATER) if self.looks > 1 else LINES[:2]
        return tuple(LogEvent(str(index), "stream", index, f"{line}\n") for index, line in enumerate(lines))


def read(log: str, logs: Any) -> str:
    return whole_log(logs, "hello", "1", Invoked(b"", "", log, "a"), 0.0)


def test_the_rest_of_a_log_is_waited_for() -> None:
    logs = Logs()
    assert read("cut off\nEND RequestId: a\n", logs) == "\n".join(LINES)
    assert logs.looks == 2


def test_a_complete_log_is_not_read_again() -> None:
    logs = Logs()
    assert read("\n".join(LINES), logs) == "\n".join(LINES)
    assert logs.looks == 0


@pytest.mark.parametrize(
    ("before", "duration", "is_slow"),
    [
        ("INIT_REPORT Init Duration: 9999.10 ms\tPhase: init\tStatus: timeout", "11000.5", True),
        ('{"type":"platform.initReport","record":{"phase":"init","status":"timeout"}}', "11000.5", True),
        ("INIT_REPORT Init Duration: 80.10 ms\tPhase: init\tStatus: error", "11000.5", False),
        ("INIT_START", "11000.5", False),
        ("INIT_REPORT Init Duration: 9999.10 ms\tPhase: init\tStatus: timeout", "30", False),
    ],
)
def test_a_start_that_aws_repeated_is_named(before: str, duration: str, is_slow: bool) -> None:
    end = f"REPORT RequestId: 7-7\tDuration: {duration} ms"
    lines = (before, "START RequestId: 7-7", "END RequestId: 7-7", end)

    class Whole(Logs):
        def log_events(self, group: str, stream_prefix: str, since_ms: int) -> tuple[LogEvent, ...]:
            self.looks += 1
            return tuple(LogEvent(str(index), "stream", index, line) for index, line in enumerate(lines))

    logs: Any = Whole()
    log = log_of_slow_start(logs, "hello", "1", Invoked(b"", "", "\n".join(lines[1:]), "7-7"), 0.0)
    assert bool(log) is is_slow
    assert logs.looks == (0 if duration == "30" else 1)
