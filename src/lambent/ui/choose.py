"""Which eyes: a terminal, a pipe, or a machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lambent.events import Emit
from lambent.ui import jsonlines, plain, style
from lambent.ui.lasting import lasting


@contextmanager
def reporter(as_json: bool) -> Iterator[Emit]:
    """An `Emit` for the length of a command."""
    if as_json:
        yield lasting(jsonlines.show)
    elif style.is_terminal():
        from lambent.ui.terminal import Terminal  # rich takes 100 ms, and only a terminal needs it

        terminal = Terminal()
        try:
            yield lasting(terminal.show)
        finally:
            terminal.rest()
    else:
        yield lasting(plain.Plain().show)
