"""What the local Lambda knows of a run of `lambent dev`."""

from __future__ import annotations

from lambent.local.dev_sessions import read_start, read_traceback

LOG = (
    "lambent: GET /boom",
    '[ERROR] ValueError: no such colour\rTraceback (most recent call last):\r\u00a0\u00a0File "/var/task/app.py", line 3',
    "lambent: status 500",
)


def test_traceback_ends_with_the_error_that_awss_form_puts_first() -> None:
    assert read_traceback(LOG).splitlines() == [
        "Traceback (most recent call last):",
        '  File "/var/task/app.py", line 3',
        "ValueError: no such colour",
    ]


def test_traceback_of_pythons_own_form() -> None:
    assert read_traceback(["hello", "Traceback (most recent call last):\n  ...\nKeyError: 1\n"]).endswith("KeyError: 1")


def test_log_without_traceback() -> None:
    assert read_traceback(["lambent: GET /", "hello"]) == ""


def test_log_of_the_last_start_without_lambdas_own_lines() -> None:
    init, report = "INIT_START Runtime Version: python:3.13.v1", "INIT_REPORT Init Duration: 1 ms\tStatus: error"
    earlier = [init, "first", "START RequestId: 1", "of a request", "END RequestId: 1", "REPORT RequestId: 1\tDuration: 1 ms"]
    assert read_start([*earlier, init, "connecting\n", "no such host\n", report]) == "connecting\nno such host"
    assert read_start(['{"type": "platform.initStart"}', "connecting", '{"type":"platform.initReport"}']) == "connecting"
    assert read_start(["connecting"]) == "connecting"
