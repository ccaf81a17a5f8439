"""How output is styled: with colours and a spinner, or plain. The only reader of the environment in `ui/`."""

from __future__ import annotations

import os
import sys

PLAIN_MARKS = {
    "ok": "ok    ",
    "create": "  +   ",
    "update": "  ~   ",
    "delete": "  -   ",
    "check": "  *   ",
    "note": "      ",
    "warn": "warn  ",
    "plain": "",
}
"""The start of each kind of line in a pipe or a log."""
COLOURED_MARKS = {
    "ok": ("✓ ", "green"),
    "create": ("+ ", "green"),
    "update": ("~ ", "yellow"),
    "delete": ("- ", "red"),
    "check": ("* ", "cyan"),
    "note": ("  ", ""),
    "warn": ("! ", "yellow"),
    "plain": ("", "bold"),
}
"""The start of each kind of line at a terminal, and its colour."""


def is_terminal() -> bool:
    """Whether stderr is a terminal and the user did not choose plain text."""
    return _wants_style() and sys.stderr.isatty()


def is_output_terminal() -> bool:
    return sys.stdout.isatty()


def is_coloured() -> bool:
    """Whether stdout is a terminal and the user did not choose plain text."""
    return _wants_style() and is_output_terminal()


def _wants_style() -> bool:
    return not (os.environ.get("NO_COLOR") or os.environ.get("CI") or os.environ.get("TERM") == "dumb")
