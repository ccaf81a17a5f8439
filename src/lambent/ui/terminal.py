"""Output for a person at a terminal: a spinner for the running step, and a line for what is worth one."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.status import Status
from rich.text import Text

from lambent.events import CanaryProgress, Event, Fetching, StepStarted
from lambent.log_events import CommandOutput
from lambent.ui import command_output
from lambent.ui.detail import Detail
from lambent.ui.event_lines import Line, progress_line, result
from lambent.ui.sanitize import sanitize
from lambent.ui.style import MARKS, mark
from lambent.ui.summary import Summary


class Terminal:
    """An `Emit` that keeps a spinner turning while a step runs."""

    def __init__(self, detail: Detail = "summary") -> None:
        self._console = Console(stderr=True, highlight=False)
        self._summary = Summary(detail)
        self._spinner: Status | None = None

    def show(self, event: Event) -> None:
        if isinstance(event, Fetching | CanaryProgress) and self._spinner is not None:
            self._spinner.update(Text(progress_line(event)))  # keep it turning instead of starting another
            return
        self._stop_spinner()
        if isinstance(event, CommandOutput):
            command_output.write(event)
        self._print(self._summary.lines(event))
        running = progress_line(event) if isinstance(event, StepStarted | Fetching | CanaryProgress) else self._summary.waiting
        if running:
            self._spinner = self._console.status(Text(running))
            self._spinner.start()
        if text := result(event):
            print(text, file=sys.stdout, flush=True)

    def close(self) -> None:
        """Stop the spinner, and print what still waits for another event."""
        self._stop_spinner()
        self._print(self._summary.rest())

    def _print(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._console.print(styled(line, self._console.encoding), soft_wrap=True)

    def _stop_spinner(self) -> None:
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None


def styled(line: Line, encoding: str) -> Text:
    _, colour = MARKS[line.mark]
    text = Text(mark(line.mark, encoding), style=colour)
    text.append(sanitize(line.text), style={"plain": "bold", "delete": "red"}.get(line.mark, ""))
    if line.note:
        text.append(f"  {sanitize(line.note)}", style="dim")
    return text
