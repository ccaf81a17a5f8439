"""Writes to the log where the code is when the process is about to end without an exception.

That is when a signal or `os._exit` ends it, or when its time or memory is nearly used up. Python's faulthandler tells where it
crashed, in a form of its own, which `deployment/stack_dump.py` reads. It is part of the interpreter, so that its import costs
nothing. Its watchdog isn't used: it reads the stacks of threads while they run, which ended one slow start in some hundred
(CPython 3.11 to 3.13). A thread with the interpreter's lock may read them.
"""

from __future__ import annotations

import faulthandler
import posix
import sys
from _thread import allocate_lock, get_ident, start_new_thread  # before the app: gevent replaces them
from time import monotonic

from .environment import variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any, NoReturn

_STDERR = 2
_INIT_S = 9.0
"""Lambda ends a start after 10 s."""
_MARGIN_S = 0.5
_CALLS_MAX = 100
_POLL_S = 0.005
_NEARLY = 0.75
"""How much of the memory is in use when the stacks are written, at the latest: an app may allocate quickly."""
_GROWTH = 0.1
"""What the request itself has allocated by then: an app may need most of its memory from the start."""
_MIB = 1 << 20
_exit = posix._exit


class _Watch:
    """A thread that writes all stacks after some seconds, unless it is ended before, and when the memory is nearly used up.

    `memory_limit` is in bytes, 0 for none. `describe_tasks` says where the tasks of an event loop wait, which are in no stack.
    """

    def __init__(self, seconds: float, memory_limit: int = 0, describe_tasks: Callable[[], str] = str) -> None:
        self._seconds, self._watched = seconds, get_ident()
        self._memory_limit, self._describe_tasks = memory_limit, describe_tasks
        self._ending, self._ended = allocate_lock(), allocate_lock()
        self._ending.acquire()
        self._ended.acquire()
        start_new_thread(self._run, ())

    def end(self) -> None:
        self._ending.release()
        self._ended.acquire()

    def _run(self) -> None:
        try:
            self._wait()
        finally:
            self._ended.release()

    def _wait(self) -> None:
        deadline = monotonic() + self._seconds
        while not self._ending.acquire(timeout=_POLL_S if self._memory_limit else max(0.0, deadline - monotonic())):
            if monotonic() >= deadline:
                seconds = round(self._seconds)
                heading = f"Timeout ({seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02})!\n"
                _write(heading + "".join(self._lines()) + self._describe_tasks())
                return
            if self._memory_limit and _used_memory() > self._memory_limit:
                _write("lambent: the memory is nearly used up\n" + "".join(self._lines()))
                self._memory_limit = 0

    def _lines(self) -> Iterator[str]:
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
    _note_exit(posix.getpid())
    posix.register_at_fork(before=unwatch)  # a child has no thread that watches, and Python warns of a fork with threads


def exit_silently(status: int) -> NoReturn:
    _exit(status)


def _note_exit(process: int) -> None:
    """Write the stack of a process that ends itself with `os._exit`. Its children may: multiprocessing does so."""

    def exit_noted(status: int) -> NoReturn:
        if posix.getpid() == process:
            _write(f"lambent: os._exit({status}) ends the process\n")
            faulthandler.dump_traceback(_STDERR, all_threads=False)
        _exit(status)

    modules: tuple[Any, ...] = (posix, sys.modules.get("os"))  # the latter copies the names of `posix` when it is imported
    for module in modules:
        if module is not None:
            module._exit = exit_noted


def watch_start() -> None:
    """Write all stacks if the app needs almost as long to start as Lambda allows."""
    _watches.append(_Watch(_INIT_S))


def watch_request(context: Any, describe_tasks: Callable[[], str]) -> None:
    """Write all stacks just before the request times out, or has no memory left. `context` is the handler's."""
    remaining_s = context.get_remaining_time_in_millis() / 1000 - _MARGIN_S
    if remaining_s > 0:
        _watches.append(_Watch(remaining_s, _memory_limit(), describe_tasks))


def unwatch() -> None:
    while _watches:
        _watches.pop().end()


def _memory_limit() -> int:
    """Return how many bytes the process may use before its stacks are written; 0 if that can't be measured."""
    size = int(variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "0")) * _MIB
    if not size or sys.platform != "linux":
        return 0
    return int(max(_NEARLY * size, _used_memory() + _GROWTH * size))


def _used_memory() -> int:
    descriptor = posix.open("/proc/self/statm", posix.O_RDONLY)
    try:
        return int(posix.read(descriptor, 100).split()[1]) * posix.sysconf("SC_PAGE_SIZE")
    finally:
        posix.close(descriptor)


def _write(text: str) -> None:
    posix.write(_STDERR, text.encode("utf-8", "backslashreplace"))
