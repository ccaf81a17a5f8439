"""Which operating system this is, where that makes a difference."""

from __future__ import annotations

import sys


def is_windows() -> bool:
    """Whether modes of files, signals other than Ctrl-C, and the local Lambda are missing here. WSL is Linux."""
    return sys.platform == "win32"


def is_macos() -> bool:
    return sys.platform == "darwin"
