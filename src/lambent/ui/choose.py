"""Which eyes: a terminal, a pipe, or a machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lambent.errors import LambentError
from lambent.events import Event
from lambent.ui import jsonlines, plain, style


@contextmanager
def reporter(as_json: bool) -> Iterator[Callable[[Event], None]]:
    """An `Emit` for the length of a command. Machines are told of the error that ends it in their own form as well."""
    if as_json:
        try:
            yield jsonlines.show
        except LambentError as error:
            jsonlines.fail(error)
            raise
    elif style.is_terminal():
        from lambent.ui.terminal import Terminal  # rich takes 100 ms, and only a terminal needs it

        terminal = Terminal()
        try:
            yield terminal.show
        finally:
            terminal.rest()
    else:
        yield plain.show
