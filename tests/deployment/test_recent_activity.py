"""The counts of `lambent status`: requests that failed by what was answered and logged."""

from __future__ import annotations

from lambent.aws.values import LogEvent
from lambent.deployment.recent_activity import summarize_activity
from lambent.status_events import LogSummary

TEXT_LOG = (
    *("START RequestId: 1 Version: 3", "REPORT RequestId: 1\tDuration: 3 ms\tInit Duration: 110.10 ms\t\n"),
    "START RequestId: 2 Version: 3",
    '[ERROR] ValueError: no such colour\rTraceback (most recent call last):\r\xa0\xa0File "/var/task/main.py", line 6, in f\r',
    *("lambent: status 500\n", "REPORT RequestId: 2\tDuration: 3 ms\t\n"),
    "START RequestId: 3 Version: 3",
    "[ERROR]\t2026-11-23T06:29:13.000Z\t3e4a9d1c-0000-4000-8000-000000000003\tlogged by the app itself, which went on\n",
    "REPORT RequestId: 3\tDuration: 3 ms\t\n",
    *("START RequestId: 4 Version: 3", "lambent: status 404", "REPORT RequestId: 4\tDuration: 3 ms\t\n"),
    "START RequestId: 5 Version: 3",
    "2026-11-23T06:29:13.000Z 3e4a9d1c-0000-4000-8000-000000000005 Task timed out after 1.00 seconds\n",
    "REPORT RequestId: 5\tDuration: 1000 ms\tStatus: timeout\n",
)
JSON_LOG = (
    '{"time":"…","type":"platform.start","record":{"requestId":"1","version":"3"}}',
    '{"time":"…","type":"platform.report","record":{"requestId":"1","status":"success","metrics":{"initDurationMs":5.0}}}',
    '{"time":"…","type":"platform.start","record":{"requestId":"2","version":"3"}}',
    '{"timestamp":"…","level":"ERROR","errorType":"KeyError","errorMessage":"x","stackTrace":["  File \\"a.py\\", line 1"]}',
    '{"time":"…","type":"platform.report","record":{"requestId":"2","status":"error","metrics":{}}}',
)


def log_of(*lines: str) -> list[LogEvent]:
    return [LogEvent(str(number), "2026/11/30/[3]abc", number, line) for number, line in enumerate(lines)]


def test_what_failed_is_counted_by_answers_and_by_the_log() -> None:
    assert summarize_activity(log_of(*TEXT_LOG)) == LogSummary(60, 5, 1, 3, "Task timed out after 1.00 seconds")
    assert summarize_activity(log_of(*TEXT_LOG[:6])) == LogSummary(60, 2, 1, 1, "ValueError: no such colour")
    assert summarize_activity(log_of(*JSON_LOG)) == LogSummary(60, 2, 1, 1, "KeyError: x")
    assert summarize_activity((), more=True) == LogSummary(60, 0, 0, 0, more=True)


def test_a_status_of_5xx_without_a_word_in_the_log_counts() -> None:
    silent = log_of("START RequestId: 1 Version: 3", "lambent: status 503", "REPORT RequestId: 1\tDuration: 3 ms\t")
    assert summarize_activity(silent) == LogSummary(60, 1, 0, 1, "answered with 503")
