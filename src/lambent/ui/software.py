"""What a bug report says about this machine: the versions of lambent and Python, and the platform."""

from __future__ import annotations

import platform

from lambent import __version__


def software() -> str:
    """Return "lambent 0.1.0, Python 3.13.0, Linux-6.1-x86_64-with-glibc2.36", with this machine's values."""
    return f"lambent {__version__}, Python {platform.python_version()}, {platform.platform()}"
