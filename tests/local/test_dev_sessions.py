"""What the local Lambda knows of a run of `lambent dev`."""

from __future__ import annotations

from lambent.local.dev_sessions import read_traceback

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
