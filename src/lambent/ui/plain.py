"""Progress as plain lines on stderr, and the result alone (a URL, a path) on stdout: for pipes, logs and CI."""

from __future__ import annotations

import sys

from lambent.events import Event
from lambent.ui.lines import lines, result
from lambent.ui.style import PLAIN


def show(event: Event) -> None:
    for line in lines(event):
        note = f"  ({line.note})" if line.note else ""
        print(f"{PLAIN[line.mark]}{line.text}{note}", file=sys.stderr, flush=True)
    if said := result(event):
        print(said, flush=True)
