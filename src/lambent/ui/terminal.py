"""Output for a person at a terminal: a spinner for the running step, and a line for each finished one."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.status import Status
from rich.text import Text

from lambent.events import CanaryProgress, Event, Fetching, StepStarted
from lambent.ui.event_lines import Line, event_lines, progress_line, result
from lambent.ui.sanitize import sanitize
from lambent.ui.style import COLOURED_MARKS


class Terminal:
    """An `Emit` that keeps a spinner turning while a step runs."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._spinner: Status | None = None

    def show(self, event: Event) -> None:
        if isinstance(event, Fetching | CanaryProgress) and self._spinner is not None:
            self._spinner.update(Text(progress_line(event)))  # keep it turning instead of starting another
            return
        self.stop_spinner()
        for line in event_lines(event):
            self._console.print(_styled(line), soft_wrap=True)
        if isinstance(event, StepStarted | Fetching | CanaryProgress):
            self._spinner = self._console.status(Text(progress_line(event)))
            self._spinner.start()
        if text := result(event):
            print(text, file=sys.stdout, flush=True)

    def stop_spinner(self) -> None:
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None


def _styled(line: Line) -> Text:
    mark, colour = COLOURED_MARKS[line.mark]
    text = Text(mark, style=colour)
    text.append(sanitize(line.text), style="bold" if line.mark == "plain" else "")
    if line.note:
        text.append(f"  {sanitize(line.note)}", style="dim")
    return text
