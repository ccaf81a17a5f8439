"""What the eyes at the other end can take: colour, a moving line, or neither. The only reader of the environment here."""

from __future__ import annotations

import os
import sys

PLAIN = {"ok": "ok    ", "do": "  +   ", "note": "      ", "warn": "warn  ", "plain": ""}
"""What a line of each kind begins with in a pipe or a log."""
COLOURED = {
    "ok": ("✓ ", "green"),
    "do": ("+ ", "cyan"),
    "note": ("  ", ""),
    "warn": ("! ", "yellow"),
    "plain": ("", "bold"),
}
"""The same at a terminal."""


def is_terminal() -> bool:
    """Whether progress may move and be coloured: stderr is a terminal and nobody asked for plain text."""
    if os.environ.get("NO_COLOR") or os.environ.get("CI") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stderr.isatty()
