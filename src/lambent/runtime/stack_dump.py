"""Writes to the log where the code is when a signal ends the process, or when its time is nearly over.

No exception tells that. Python's faulthandler does for a crash, in a form of its own, which `deployment/stack_dump.py` reads.
It is part of the interpreter, so that its import costs nothing. Its watchdog isn't used: it reads the stacks of threads while
they run, which ended one slow start in some hundred (CPython 3.11 to 3.13). A thread with the interpreter's lock may read them.
"""

from __future__ import annotations

import faulthandler
import posix
import sys
from _thread import allocate_lock, get_ident, start_new_thread  # before the app: gevent replaces them

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType
    from typing import Any

_STDERR = 2
_INIT_S = 9.0
"""Lambda ends a start after 10 s."""
_MARGIN_S = 0.5
_CALLS_MAX = 100


class _Watch:
    """A thread that writes all stacks after some seconds, unless it is ended before."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._watched = seconds, get_ident()
        self._ending, self._ended = allocate_lock(), allocate_lock()
        self._ending.acquire()
        self._ended.acquire()
        start_new_thread(self._run, ())

    def end(self) -> None:
        self._ending.release()
        self._ended.acquire()

    def _run(self) -> None:
        try:
            if not self._ending.acquire(timeout=self._seconds):
                posix.write(_STDERR, "".join(self._lines()).encode("utf-8", "backslashreplace"))
        finally:
            self._ended.release()

    def _lines(self) -> Iterator[str]:
        seconds = round(self._seconds)
        yield f"Timeout ({seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02})!\n"
        frames = sys._current_frames()
        others = (thread for thread in frames if thread not in (self._watched, get_ident()))
        for thread in (*others, self._watched):
            yield f"Thread 0x{thread:016x} (most recent call first):\n"
            frame: FrameType | None = frames.get(thread)
            for _ in range(_CALLS_MAX):
                if frame is None:
                    break
                yield f'  File "{frame.f_code.co_filename}", line {frame.f_lineno} in {frame.f_code.co_name}\n'
                frame = frame.f_back


_watches: list[_Watch] = []


def enable() -> None:
    """Write the stack of a process that crashes. The app may have a handler of its own, which replaces this one."""
    faulthandler.enable(_STDERR, all_threads=False)
    posix.register_at_fork(before=unwatch)  # a child has no thread that watches, and Python warns of a fork with threads


def watch_start() -> None:
    """Write all stacks if the app needs almost as long to start as Lambda allows."""
    _watches.append(_Watch(_INIT_S))


def watch_request(context: Any) -> None:
    """Write all stacks just before the request times out. `context` is the handler's."""
    remaining_s = context.get_remaining_time_in_millis() / 1000 - _MARGIN_S
    if remaining_s > 0:
        _watches.append(_Watch(remaining_s))


def unwatch() -> None:
    while _watches:
        _watches.pop().end()
