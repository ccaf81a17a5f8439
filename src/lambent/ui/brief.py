"""Lines that are known already, shown as `plain` or `terminal` would, without what those import."""

from __future__ import annotations

import os
import sys

from lambent.ui import style
from lambent.ui.letters import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Told = tuple[str, str, str]
    """Mark, text, note: the fields of `lines.Line`."""

_CODES = {"green": "32", "yellow": "33", "": "0"}


def show(told: Iterable[Told], result: str) -> None:
    """The lines on stderr, and the result alone on stdout."""
    shown = _coloured if style.is_terminal() else _plain
    try:
        print("\n".join(map(shown, told)), file=sys.stderr, flush=True)
        print(result, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nobody listens: nothing is left to be flushed at the exit


def _plain(told: Told) -> str:
    mark, text, note = told
    return f"{style.PLAIN[mark]}{printable(text)}{f'  ({note})' if note else ''}"


def _coloured(told: Told) -> str:
    mark, text, note = told
    sign, colour = style.COLOURED[mark]
    quiet = f"  \x1b[2m{note}\x1b[0m" if note else ""
    return f"\x1b[{_CODES[colour]}m{sign}\x1b[0m{printable(text)}{quiet}"
