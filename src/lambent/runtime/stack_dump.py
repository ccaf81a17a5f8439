"""Writes to the log where the code is when a signal ends the process, or when its time is nearly over.

No exception tells that. Python's faulthandler does, in a form of its own, which `deployment/stack_dump.py` reads. It is part of
the interpreter, so that its import costs nothing.
"""

from __future__ import annotations

import faulthandler
import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_STDERR = 2
_INIT_S = 9.0
"""Lambda ends a start after 10 s."""
_MARGIN_S = 0.5


def enable() -> None:
    """Write the stack of a process that crashes. The app may have a handler of its own, which replaces this one."""
    faulthandler.enable(_STDERR, all_threads=False)
    posix.register_at_fork(before=unwatch)  # a child has no thread that watches, and would wait for its end when it exits


def watch_start() -> None:
    """Write all stacks if the app needs almost as long to start as Lambda allows."""
    faulthandler.dump_traceback_later(_INIT_S, file=_STDERR)


def watch_request(context: Any) -> None:
    """Write all stacks just before the request times out. `context` is the handler's."""
    remaining_s = context.get_remaining_time_in_millis() / 1000 - _MARGIN_S
    if remaining_s > 0:
        faulthandler.dump_traceback_later(remaining_s, file=_STDERR)


def unwatch() -> None:
    faulthandler.cancel_dump_traceback_later()
