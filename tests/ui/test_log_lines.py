"""Logged requests as text, at a terminal and in a pipe."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from lambent.log_events import LoggedLine, LoggedRequest, LogText
from lambent.ui.log_lines import raw_text, request_text

ID = "3e4a9d1c-1111-4222-8333-444444444444"
NOW_S = 1_796_000_000.0
TRACEBACK = (
    'Traceback (most recent call last):\n  File "/var/task/main.py", line 11, in boom\n    return 1/0\nZeroDivisionError: no'
)
REQUEST = LoggedRequest(
    *(ID, int(NOW_S * 1000) - 5000, "", "7", "GET", "/orders", 500, "", 23.4, 87, 512, 412.0),
    failed=True,
    lines=(LoggedLine(0, "warning", "WARNING careful"), LoggedLine(0, "error", TRACEBACK)),
)


@pytest.fixture(autouse=True)
def utc() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def test_a_request_in_a_pipe() -> None:
    assert request_text(REQUEST, coloured=False, now_s=NOW_S).splitlines() == [
        "00:53:15  GET    /orders                           500    23 ms    87 MB  cold 412 ms  3e4a9d1c",
        "  WARNING careful",
        "  Traceback (most recent call last):",
        '    File "main.py", line 11, in boom',
        "      return 1/0",
        "  ZeroDivisionError: no",
    ]


def test_colours() -> None:
    text = request_text(REQUEST, coloured=True, now_s=NOW_S)
    assert "\x1b[31m500\x1b[0m" in text.replace("  500", "500") and "\x1b[1;31mZeroDivisionError: no\x1b[0m" in text
    assert "\x1b[33mWARNING careful\x1b[0m" in text


def test_other_days_have_a_date_and_other_things_a_line_of_their_own() -> None:
    old = replace(REQUEST, at_ms=REQUEST.at_ms - 86_400_000, lines=(), failed=False, status=200, init_ms=None)
    assert request_text(old, coloured=False, now_s=NOW_S).startswith("2026-11-29 00:53:15  GET    /orders ")
    running = LoggedRequest(ID, REQUEST.at_ms, complete=False)
    assert request_text(running, coloured=False, now_s=NOW_S) == f"00:53:15  {'invoke':<39}  ..."
    loose = LoggedRequest("", REQUEST.at_ms, lines=(LoggedLine(0, "", "from a thread"),))
    assert request_text(loose, coloured=False, now_s=NOW_S) == "from a thread"
    named = replace(REQUEST, app="shop", lines=())
    assert request_text(named, coloured=False, now_s=NOW_S).startswith("00:53:15  shop  GET    /orders ")


def test_hostile_lines_are_only_text() -> None:
    """A terminal obeys control characters: they could move the cursor, set its title or hide lines."""
    hostile = "\x1b]0;owned\x07\x1b[2J\x9b31m\rover\u202e\u2066\u2028"
    request = replace(REQUEST, path="/\x1b[2J", failure="\x1b[1m", lines=(LoggedLine(0, "", hostile),))
    for coloured in (True, False):
        text = request_text(request, coloured=coloured, now_s=NOW_S)
        for sequence in ("\x1b]", "\x1b[2J", "\x07", "\x9b", "\r", "\x1b[1m\x1b", "\u202e", "\u2066", "\u2028"):
            assert sequence not in text
    assert "\\x1b[2J" in request_text(request, coloured=False, now_s=NOW_S)


def test_raw_text_is_only_changed_for_a_terminal() -> None:
    event = LogText(0, "s", "\x1b[2Jtext\n")
    assert raw_text(event, safe=False) == "\x1b[2Jtext" and raw_text(event, safe=True) == "\\x1b[2Jtext"
