"""Whether lambent was updated or removed while this process runs."""

from __future__ import annotations

from pathlib import Path

import lambent

RESTART = "lambent was updated in the meantime: lambent local stop && lambent local start"


def has_changed() -> bool:
    """Compare the files of lambent with those that this process has imported."""
    return _stamp() != _AT_IMPORT


def _stamp() -> tuple[int, int] | None:
    try:
        status = Path(lambent.__file__).stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


_AT_IMPORT = _stamp()
