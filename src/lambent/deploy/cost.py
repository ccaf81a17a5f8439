"""What a million requests cost, as an estimate for the plan. Pure.

Prices of us-east-1, November 2026, copied from third parties (AWS's own page was not at hand): other regions differ by a few
per cent to a third. A Function URL itself costs nothing, nor does an app that nobody calls.
"""

from __future__ import annotations

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


def told(memory_mb: int, architecture: str) -> str:
    """For the plan: "about $1.87 per million requests of 100 ms; the first 1,000,000 a month are free"."""
    price, free = per_million(memory_mb, architecture), free_requests(memory_mb)
    return f"about ${price:.2f} per million requests of {TYPICAL_MS} ms at {memory_mb} MB; the first {free:,} a month are free"
