"""Which eyes: a terminal, a pipe, or a machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lambent.events import Event
from lambent.ui import jsonlines, plain, style


@contextmanager
def reporter(as_json: bool) -> Iterator[Callable[[Event], None]]:
    """An `Emit` for the length of a command."""
    if as_json:
        yield jsonlines.show
    elif style.is_terminal():
        from lambent.ui.terminal import Terminal  # rich takes 100 ms, and only a terminal needs it

        terminal = Terminal()
        try:
            yield terminal.show
        finally:
            terminal.rest()
    else:
        yield plain.show
