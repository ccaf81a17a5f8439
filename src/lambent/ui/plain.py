"""Progress as plain lines on stderr, and the result alone (a URL, a path) on stdout: for pipes, logs and CI."""

from __future__ import annotations

import sys

from lambent.events import CanaryProgress, Event
from lambent.ui.letters import printable
from lambent.ui.lines import lines, progress, result
from lambent.ui.style import PLAIN

_SILENCE_S = 300  # a canary may take an hour, and CI ends what says nothing for ten minutes


class Plain:
    """An `Emit` with a memory of one thing: how the canary did when that was said last. It is said again after a quarter of its
    time, or five minutes, and at once when there are more errors.
    """

    def __init__(self) -> None:
        self._said: CanaryProgress | None = None
        self._every_s = 0.0

    def show(self, event: Event) -> None:
        if isinstance(event, CanaryProgress):
            self._canary(event)
        else:
            self._said = None
            show(event)

    def _canary(self, now: CanaryProgress) -> None:
        said = self._said
        if said is None:
            self._said, self._every_s = now, min(now.left_s / 4, _SILENCE_S)
        elif now.errors > said.errors or said.left_s - now.left_s >= self._every_s:
            self._said = now
            print(f"{PLAIN['note']}{progress(now)}", file=sys.stderr, flush=True)


def show(event: Event) -> None:
    for line in lines(event):
        note = f"  ({line.note})" if line.note else ""
        print(f"{PLAIN[line.mark]}{printable(line.text + note)}", file=sys.stderr, flush=True)
    if said := result(event):
        print(said, flush=True)
