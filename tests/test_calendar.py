"""AWS's dated rules."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import cfnlint
import pytest

from lambent import calendar


@pytest.mark.parametrize(
    ("name", "on", "text"),
    (
        ("python3.13", date(2026, 11, 23), ""),
        ("python3.15", date(2026, 11, 23), "is a preview"),
        ("python3.10", date(2026, 10, 30), ""),
        ("python3.10", date(2026, 11, 23), "it stops accepting new functions on 2027-02-01 and updates on 2027-03-03"),
        ("python3.10", date(2027, 2, 5), "it accepts no new functions, and updates to existing ones only until 2027-03-03"),
        ("python3.9", date(2027, 3, 5), "AWS deprecated python3.9 on 2025-12-15, and planned to refuse it from 2027-03-03 on"),
    ),
)
def test_deprecated_runtime_gets_a_notice(name: str, on: date, text: str) -> None:
    notice = calendar.deprecation_notice(name, on)
    assert text in notice if text else not notice


def test_runtime_dates_are_those_of_cfn_lint() -> None:
    file = Path(cfnlint.__file__).parent / "data/AdditionalSpecs/LmbdRuntimeLifecycle.json"
    lifecycles = json.loads(file.read_text("utf-8"))
    for runtime in calendar.RUNTIMES:
        if runtime.preview:
            continue
        lifecycle = lifecycles[runtime.name]
        dates = (runtime.deprecated, runtime.blocked_create, runtime.blocked_update)
        assert dates == tuple(date.fromisoformat(lifecycle[key]) for key in ("deprecated", "create-block", "update-block"))


def test_accepted_runtimes_are_those_that_aws_creates_newest_first() -> None:
    names = [runtime.name for runtime in calendar.accepted_runtimes(date(2026, 11, 30))]
    assert names == [f"python3.{minor}" for minor in range(14, 7, -1)]
    assert calendar.accepted_runtimes(date(2027, 2, 1))[-1].name == "python3.11"
