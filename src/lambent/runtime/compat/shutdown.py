"""Shuts apps down at the end of a process that the runtime doesn't control: under AWS's runtime client, or in a test."""

from __future__ import annotations

import atexit
import os
import signal
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_callbacks: list[Callable[[], None]] = []


def at_exit(close: Callable[[], None]) -> None:
    """Call `close` once: at SIGTERM, unless another handler is installed, or when the interpreter exits."""
    if not _callbacks:
        # anyio's worker threads end with the loop's root task, and the interpreter waits for them before it calls atexit
        early = getattr(threading, "_register_atexit", atexit.register)
        early(_shut_down)
        atexit.register(_shut_down)  # the loop in the zip only runs atexit functions when it exits
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _terminate)
    _callbacks.append(close)


def _shut_down() -> None:
    while _callbacks:
        try:
            _callbacks.pop()()
        except Exception:
            import logging

            logging.getLogger("mangum.lifespan").exception("The application could not be shut down.")


def _terminate(number: int, frame: Any) -> None:
    _shut_down()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)
