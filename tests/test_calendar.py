"""AWS's dated rules."""

from __future__ import annotations

from datetime import date

import pytest

from lambent import calendar


@pytest.mark.parametrize(
    ("name", "on", "text"),
    (
        ("python3.13", date(2026, 11, 23), ""),
        ("python3.15", date(2026, 11, 23), "is a preview"),
        ("python3.10", date(2026, 10, 30), ""),
        ("python3.10", date(2026, 11, 23), "it stops accepting new functions on 2026-11-30 and updates on 2027-01-15"),
        ("python3.10", date(2026, 12, 5), "it accepts no new functions, and updates to existing ones only until 2027-01-15"),
        ("python3.9", date(2026, 11, 23), ""),  # refused altogether
    ),
)
def test_deprecated_runtime_gets_a_notice(name: str, on: date, text: str) -> None:
    notice = calendar.deprecation_notice(name, on)
    assert text in notice if text else not notice
