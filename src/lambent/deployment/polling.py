"""Waiting for AWS: asking again until something has happened."""

from __future__ import annotations

import time
from collections.abc import Callable

from lambent.aws.interface import Aws
from lambent.aws.values import Function
from lambent.errors import DeployError

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0  # as the waiters function_active_v2 and function_updated_v2 do


def wait_until(condition: Callable[[], bool], within_s: float) -> bool:
    """Check a condition until it is true: often at first, then every second. Return False when the time is up."""
    end = time.monotonic() + within_s
    pause = _FIRST_PAUSE_S
    while not condition():
        if time.monotonic() >= end:
            return False
        time.sleep(min(pause, max(end - time.monotonic(), 0)))
        pause = min(pause * 1.5, _LONGEST_PAUSE_S)
    return True


def wait_settled(aws: Aws, name: str, qualifier: str, within_s: float) -> Function | None:
    """Return the function once no change to it is in progress, or None if it doesn't exist.

    Raises DeployError if that takes longer than `within_s` seconds.
    """
    function: Function | None = None

    def settled() -> bool:
        nonlocal function
        function = aws.function(name, qualifier)
        return function is None or function.settled

    if not wait_until(settled, within_s):
        subject = f"version {qualifier} of {name}" if qualifier else name
        reason = f": {function.reason}" if function is not None and function.reason else ""
        what = f"AWS is still working on {subject} after {within_s:.0f} s{reason}"
        raise DeployError(what, where=name, hint="run the same command again: it continues from here")
    return function
