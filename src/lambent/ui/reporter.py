"""The `Emit` of a command: for a terminal, a pipe or a machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from lambent.events import Emit
from lambent.lazy import LazyModule
from lambent.ui import jsonlines, plain, style
from lambent.ui.broken_pipe import survive_broken_pipe
from lambent.ui.summary import Detail

if TYPE_CHECKING:
    from lambent.ui import terminal
else:
    terminal = LazyModule("lambent.ui.terminal")  # imports rich, which takes 100 ms and only a terminal needs


DETAIL = "lambent.ui.detail"
"""Where the context of a command has the `Detail` that its command line asks for."""


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


def chosen_detail() -> Detail:
    """Return how much the running command shows."""
    context = click.get_current_context(silent=True)
    detail: Detail = context.meta.get(DETAIL, "summary") if context else "summary"
    return detail
