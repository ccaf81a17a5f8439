"""The `Emit` of a command: for a terminal, a pipe or a machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lambent.events import Emit
from lambent.lazy import LazyModule
from lambent.ui import jsonlines, plain, style
from lambent.ui.broken_pipe import survive_broken_pipe
from lambent.ui.detail import chosen_detail

if TYPE_CHECKING:
    from lambent.ui import terminal
else:
    terminal = LazyModule("lambent.ui.terminal")  # imports rich, which takes 100 ms and only a terminal needs


@contextmanager
def reporter(as_json: bool) -> Iterator[Emit]:
    """Yield the `Emit` that shows a command's events."""
    if as_json:
        yield survive_broken_pipe(jsonlines.print_event)
        return
    detail = chosen_detail()
    screen = terminal.Terminal(detail) if style.is_terminal() and detail != "result" else plain.Plain(detail)
    try:
        yield survive_broken_pipe(screen.show)
    finally:
        survive_broken_pipe(lambda _: screen.close())(None)
