"""What is shown outlives those who read it: a deploy is not left half-way because `head` has seen enough."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable
from typing import TextIO, TypeVar

Shown = TypeVar("Shown")


def lasting(show: Callable[[Shown], None]) -> Callable[[Shown], None]:
    """The same, and what is written to a closed pipe goes nowhere from then on."""

    def told(what: Shown) -> None:
        try:
            show(what)
        except BrokenPipeError:
            _deafen(sys.stdout)
            if _deafen(sys.stderr):
                told(what)  # progress comes first: what is for stdout was not written yet

    return told


def _deafen(stream: TextIO) -> bool:
    """Whether nobody reads this stream; then it is pointed to nowhere."""
    asked = select.poll()
    asked.register(stream, 0)
    if not any(state & select.POLLERR for _, state in asked.poll(0)):
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    return True
