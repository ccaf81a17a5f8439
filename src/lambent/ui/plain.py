"""Progress as plain lines on stderr, and the URL alone on stdout: for pipes, logs and CI."""

from __future__ import annotations

import sys

from lambent.events import Deployed, Event
from lambent.ui.lines import lines

_MARKS = {"ok": "ok    ", "do": "  +   ", "note": "      ", "warn": "warn  ", "plain": ""}


def show(event: Event) -> None:
    for line in lines(event):
        note = f"  ({line.note})" if line.note else ""
        print(f"{_MARKS[line.mark]}{line.text}{note}", file=sys.stderr, flush=True)
    if isinstance(event, Deployed):
        print(event.url, flush=True)
