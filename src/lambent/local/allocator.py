"""How the C library returns memory to the system."""

from __future__ import annotations

import ctypes
import sys

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # malloc.h of glibc
_LARGE = 1 << 20
_ARENAS = 2


def return_large_blocks() -> None:
    """Return the memory of large bodies to the system as soon as it is free.

    glibc learns from the first large block that is freed to keep such blocks, and does so for each thread: 16 uploads of 20 MB
    would leave 320 MB. Setting its thresholds turns that off. Does nothing with another C library.
    """
    if sys.platform.startswith("linux"):
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, _LARGE)
            mallopt(_M_ARENA_MAX, _ARENAS)
