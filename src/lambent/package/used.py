"""When a file of the cache was last used: its date of change says so, since many disks keep no date of reading."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

GRAIN_S = 3600
"""A date is set anew when it is older than this: a rebuild a minute later writes none."""


def mark(path: Path) -> None:
    """Says that the file, or folder, was used now. Does nothing where the cache may only be read."""
    with suppress(OSError):
        if time.time() - path.stat().st_mtime > GRAIN_S:
            os.utime(path)
