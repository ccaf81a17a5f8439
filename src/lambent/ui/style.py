"""How output is styled: with colours and a spinner, or plain. The only reader of the environment in `ui/`."""

from __future__ import annotations

import os
import sys

MARKS = {
    "ok": ("✓ ", "green"),
    "create": ("+ ", "green"),
    "update": ("~ ", "yellow"),
    "delete": ("− ", "red"),
    "check": ("* ", "cyan"),
    "note": ("  ", ""),
    "warn": ("warning: ", "yellow"),
    "plain": ("", "bold"),
}
"""The start of each kind of line, and its colour at a terminal."""
_ASCII = {"✓ ": "ok ", "− ": "- "}
"""The marks of a stream that has no others."""


def mark(kind: str, encoding: str) -> str:
    """Return the start of a kind of line on a stream with this encoding."""
    text, _ = MARKS[kind]
    try:
        text.encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return _ASCII.get(text, text)
    return text


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
