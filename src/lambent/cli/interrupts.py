"""Ctrl-C that would be lost: Python ignores exceptions in finalizers and in callbacks from C code, and prints a traceback.

awscrt, which signs requests, calls back into Python. A Ctrl-C that arrives in such a callback is sent again after it.
"""

from __future__ import annotations

import signal
import sys
import threading
import time

_RETURN_S = 0.02
"""How long a callback may take to return. If it takes longer, the signal only arrives in it again."""


def keep_interrupts() -> None:
    """Send SIGINT to the main thread again whenever Python is about to ignore a KeyboardInterrupt."""
    sys.unraisablehook = _send_again


def _send_again(ignored: sys.UnraisableHookArgs) -> None:
    is_interrupt = ignored.exc_type is not None and issubclass(ignored.exc_type, KeyboardInterrupt)
    while True:
        try:
            if is_interrupt:
                threading.Thread(target=_interrupt, daemon=True).start()
            else:
                sys.__unraisablehook__(ignored)
            return
        except KeyboardInterrupt:  # another one, such as a parent process's: it is sent again too
            is_interrupt = True


def _interrupt() -> None:
    time.sleep(_RETURN_S)
    main = threading.main_thread().ident
    if main is not None:
        signal.pthread_kill(main, signal.SIGINT)
