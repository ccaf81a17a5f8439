"""Texts in a project that lambent looks through, whatever is in them."""

from __future__ import annotations

from pathlib import Path

_READ_MAX = 500_000
"""Characters. What says how an app starts is never that far down, and a project may have a log of a gigabyte."""


def read_text(path: Path) -> str:
    """Return the beginning of a file, or "" if it can't be read."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            return file.read(_READ_MAX)
    except (OSError, ValueError):  # the latter for a name with a NUL in it
        return ""
