"""Progress for a person at a terminal: a spinner for the step that runs, a quiet line for each that is done."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.status import Status
from rich.text import Text

from lambent.events import CanaryProgress, Event, Fetching, StepStarted
from lambent.ui.letters import printable
from lambent.ui.lines import Line, lines, progress, result
from lambent.ui.style import COLOURED


class Terminal:
    """An `Emit` with a memory of one thing: the spinner that is turning."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._spinner: Status | None = None

    def show(self, event: Event) -> None:
        if isinstance(event, Fetching | CanaryProgress) and self._spinner is not None:
            self._spinner.update(Text(progress(event)))  # the line moves, and does not start anew
            return
        self.rest()
        for line in lines(event):
            self._console.print(_styled(line), soft_wrap=True)
        if isinstance(event, StepStarted | Fetching | CanaryProgress):
            self._spinner = self._console.status(Text(progress(event)))
            self._spinner.start()
        if said := result(event):
            print(said, file=sys.stdout, flush=True)

    def rest(self) -> None:
        """Stops the spinner, if one is turning."""
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None


def _styled(line: Line) -> Text:
    mark, colour = COLOURED[line.mark]
    text = Text(mark, style=colour)
    text.append(printable(line.text), style="bold" if line.mark == "plain" else "")
    if line.note:
        text.append(f"  {printable(line.note)}", style="dim")
    return text
