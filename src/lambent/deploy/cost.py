"""What a million requests cost, as an estimate for the plan. Pure.

Prices of us-east-1, November 2026, copied from third parties (AWS's own page was not at hand): other regions differ by a few
per cent to a third. A Function URL itself costs nothing, nor does an app that nobody calls.
"""

from __future__ import annotations

from lambent.aws.values import Settings
from lambent.events import Cost
from lambent.limits import TMP_MIN_MB

REQUESTS_USD = 0.20  # a million of them
GB_SECOND_USD = {"x86_64": 0.0000166667, "arm64": 0.0000133334}
FREE_GB_SECONDS = 400_000  # a month, and a million requests
TYPICAL_MS = 100


def per_million(memory_mb: int, architecture: str, duration_ms: int = TYPICAL_MS) -> float:
    """US dollars for a million requests of so many milliseconds each, beyond the free tier."""
    gb_seconds = 1_000_000 * duration_ms / 1000 * memory_mb / 1024
    return REQUESTS_USD + gb_seconds * GB_SECOND_USD[architecture]


def free_requests(memory_mb: int, duration_ms: int = TYPICAL_MS) -> int:
    """How many such requests a month are free."""
    return min(1_000_000, int(FREE_GB_SECONDS / (duration_ms / 1000 * memory_mb / 1024)))


def estimate(settings: Settings, architecture: str, provisioned: int | None) -> Cost:
    """For the plan. What is kept warm or in a snapshot is charged by the hour, called or not: it is only named."""
    beside = [
        name
        for name, wanted in (
            ("provisioned concurrency", provisioned),
            ("SnapStart", settings.snapstart),
            ("/tmp above 512 MB", settings.tmp_mb > TMP_MIN_MB),
        )
        if wanted
    ]
    price, free = per_million(settings.memory_mb, architecture), free_requests(settings.memory_mb)
    return Cost(round(price, 2), free, TYPICAL_MS, settings.memory_mb, architecture, tuple(beside))
