"""Output that outlives its reader: a deploy must not stop half-way because `head` has read enough."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable
from typing import TextIO, TypeVar

Item = TypeVar("Item")


def survive_broken_pipe(show: Callable[[Item], None]) -> Callable[[Item], None]:
    """Return `show` in a form that discards its output once the reader has closed the pipe."""

    def show_or_discard(item: Item) -> None:
        try:
            show(item)
        except BrokenPipeError:
            _discard_if_closed(sys.stdout)
            if _discard_if_closed(sys.stderr):
                show_or_discard(item)  # progress is written first, so the part for stdout is still missing

    return show_or_discard


def _discard_if_closed(stream: TextIO) -> bool:
    """Point the stream to /dev/null if its reader is gone. Return whether it was."""
    poll = select.poll()
    poll.register(stream, 0)
    if not any(state & select.POLLERR for _, state in poll.poll(0)):
        return False
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, stream.fileno())
    os.close(devnull)
    return True
