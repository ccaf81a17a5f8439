"""Moments of the past, as people type them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lambent.cli.since import parse_since

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    (
        ("30s", "2026-11-30T11:59:30+00:00"),
        ("1h", "2026-11-30T11:00:00+00:00"),
        ("1h30m", "2026-11-30T10:30:00+00:00"),
        ("1.5 h", "2026-11-30T10:30:00+00:00"),
        ("2d", "2026-11-28T12:00:00+00:00"),
        ("1w", "2026-11-23T12:00:00+00:00"),
        ("10:30", "2026-11-30T10:30:00+00:00"),
        ("23:15:30", "2026-11-29T23:15:30+00:00"),
        ("2026-11-30T10:30+02:00", "2026-11-30T10:30:00+02:00"),
        ("2026-11-29T10:30Z", "2026-11-29T10:30:00+00:00"),
    ),
)
def test_moments(text: str, expected: str) -> None:
    assert parse_since(text, NOW) == datetime.fromisoformat(expected)


@pytest.mark.parametrize("text", ("", "1", "h", "1y", "25:00", "10:61", "yesterday", "1h later"))
def test_what_is_no_moment(text: str) -> None:
    assert parse_since(text, NOW) is None


def test_a_date_is_one_of_this_machine() -> None:
    moment = parse_since("2026-11-29", NOW)
    assert moment and moment.replace(tzinfo=None) == datetime(2026, 11, 29) and moment.tzinfo
