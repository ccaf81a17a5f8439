"""Output for pipes, logs and CI: progress as plain lines on stderr, and only the result (a URL, a path) on stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from lambent.events import CanaryProgress, Event
from lambent.log_events import CommandOutput
from lambent.ui import command_output
from lambent.ui.detail import Detail
from lambent.ui.event_lines import Line, event_lines, progress_line, result
from lambent.ui.sanitize import sanitize
from lambent.ui.style import mark
from lambent.ui.summary import Summary

_CANARY_INTERVAL_S = 300  # a canary may take an hour, and CI systems stop jobs that print nothing for ten minutes


class Plain:
    """An `Emit` that prints the progress of a canary every quarter of its time, or every five minutes if that is shorter.

    More errors than before are printed at once.
    """

    def __init__(self, detail: Detail = "summary") -> None:
        self._summary = Summary(detail)
        self._is_quiet = detail == "result"
        self._printed: CanaryProgress | None = None
        self._interval_s = 0.0

    def show(self, event: Event) -> None:
        if isinstance(event, CommandOutput):
            command_output.write(event)
        elif isinstance(event, CanaryProgress):
            self._show_canary(event)
        else:
            self._printed = None
            _print(self._summary.lines(event), event)

    def close(self) -> None:
        """Print what still waits for another event."""
        _print(self._summary.rest())

    def _show_canary(self, progress: CanaryProgress) -> None:
        printed = self._printed
        if printed is None:
            self._printed, self._interval_s = progress, min(progress.left_s / 4, _CANARY_INTERVAL_S)
        elif progress.errors > printed.errors or printed.left_s - progress.left_s >= self._interval_s:
            self._printed = progress
            if not self._is_quiet:
                _print([Line("note", progress_line(progress))])


def print_event(event: Event) -> None:
    """Print an event with every step."""
    _print(event_lines(event), event)


def _print(lines: Iterable[Line], event: Event | None = None) -> None:
    for line in lines:
        note = f"  ({line.note})" if line.note else ""
        print(f"{mark(line.mark, sys.stderr.encoding)}{sanitize(line.text + note)}", file=sys.stderr, flush=True)
    if event is not None and (text := result(event)):
        print(text, flush=True)
