"""The one way in which a test waits for something that happens elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_POLL_S = 0.02


def eventually(check: Callable[[], T], *, within_s: float = 30, what: str = "") -> T:
    """Return the first truthy result of `check`. Raise AssertionError if there is none within the time limit.

    The limit only bounds how long a broken product can hold up the suite; no test may depend on it.
    """
    deadline = time.monotonic() + within_s
    while True:
        result = check()
        if result:
            return result
        assert time.monotonic() < deadline, f"{what or 'the condition'} did not come true within {within_s} s; last: {result!r}"
        time.sleep(_POLL_S)


async def eventually_async(check: Callable[[], T], *, within_s: float = 30, what: str = "") -> T:
    """Do what `eventually` does without blocking the event loop."""
    deadline = time.monotonic() + within_s
    while True:
        result = check()
        if result:
            return result
        assert time.monotonic() < deadline, f"{what or 'the condition'} did not come true within {within_s} s; last: {result!r}"
        await asyncio.sleep(_POLL_S)
