"""The end of the process, where nobody else cares for it: under AWS's runtime client, or in a test."""

from __future__ import annotations

import atexit
import os
import signal
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_farewells: list[Callable[[], None]] = []


def at_exit(close: Callable[[], None]) -> None:
    """Has `close` called once, at SIGTERM (if nobody else handles it) or when the interpreter ends, whichever comes first."""
    if not _farewells:
        # anyio's worker threads end with the loop's root task, and the interpreter waits for them before it calls atexit
        early = getattr(threading, "_register_atexit", atexit.register)
        early(_say)
        atexit.register(_say)  # the loop in the zip leaves by way of atexit alone
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _terminate)
    _farewells.append(close)


def _say() -> None:
    while _farewells:
        try:
            _farewells.pop()()
        except Exception:
            import logging

            logging.getLogger("mangum.lifespan").exception("The application could not be shut down.")


def _terminate(number: int, frame: Any) -> None:
    _say()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)
