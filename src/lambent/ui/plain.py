"""Output for pipes, logs and CI: progress as plain lines on stderr, and only the result (a URL, a path) on stdout."""

from __future__ import annotations

import sys

from lambent.events import CanaryProgress, Event
from lambent.ui.event_lines import event_lines, progress_line, result
from lambent.ui.sanitize import sanitize
from lambent.ui.style import PLAIN_MARKS

_CANARY_INTERVAL_S = 300  # a canary may take an hour, and CI systems stop jobs that print nothing for ten minutes


class Plain:
    """An `Emit` that prints the progress of a canary every quarter of its time, or every five minutes if that is shorter.

    More errors than before are printed at once.
    """

    def __init__(self) -> None:
        self._printed: CanaryProgress | None = None
        self._interval_s = 0.0

    def show(self, event: Event) -> None:
        if isinstance(event, CanaryProgress):
            self._show_canary(event)
        else:
            self._printed = None
            print_event(event)

    def _show_canary(self, progress: CanaryProgress) -> None:
        printed = self._printed
        if printed is None:
            self._printed, self._interval_s = progress, min(progress.left_s / 4, _CANARY_INTERVAL_S)
        elif progress.errors > printed.errors or printed.left_s - progress.left_s >= self._interval_s:
            self._printed = progress
            print(f"{PLAIN_MARKS['note']}{progress_line(progress)}", file=sys.stderr, flush=True)


def print_event(event: Event) -> None:
    for line in event_lines(event):
        note = f"  ({line.note})" if line.note else ""
        print(f"{PLAIN_MARKS[line.mark]}{sanitize(line.text + note)}", file=sys.stderr, flush=True)
    if text := result(event):
        print(text, flush=True)
