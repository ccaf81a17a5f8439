"""An estimate of what a million requests cost, for the plan. Pure.

The prices are those of us-east-1 in November 2026, copied from third parties because AWS's own page wasn't available. Other
regions differ by a few per cent to a third. A Function URL itself costs nothing, and neither does an app without requests.
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
    """Return the US dollars for a million requests of so many milliseconds each, beyond the free tier."""
    gb_seconds = 1_000_000 * duration_ms / 1000 * memory_mb / 1024
    return REQUESTS_USD + gb_seconds * GB_SECOND_USD[architecture]


def free_requests(memory_mb: int, duration_ms: int = TYPICAL_MS) -> int:
    """Return how many such requests are free each month."""
    return min(1_000_000, int(FREE_GB_SECONDS / (duration_ms / 1000 * memory_mb / 1024)))


def estimate(settings: Settings, architecture: str, provisioned: int | None) -> Cost:
    """Return the estimate for a plan. What is charged by the hour, whether called or not, is only named."""
    extras = {
        "provisioned concurrency": provisioned,
        "SnapStart": settings.snapstart,
        "/tmp above 512 MB": settings.tmp_mb > TMP_MIN_MB,
    }
    excludes = tuple(name for name, used in extras.items() if used)
    price, free = per_million(settings.memory_mb, architecture), free_requests(settings.memory_mb)
    return Cost(round(price, 2), free, TYPICAL_MS, settings.memory_mb, architecture, excludes)
