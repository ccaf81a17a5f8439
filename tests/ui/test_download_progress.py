"""How downloads are reported: at a terminal, in a pipe, as JSON lines."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys

import pytest

from lambent.events import Fetched, Fetching
from lambent.ui import event_lines, jsonlines, plain

ACTIVE = Fetching(3, 12, 14_200_000, 66_000_000, ("numpy", "pandas"))
SHOW = """
from lambent.events import Fetched, Fetching, Notice
import click
from lambent.ui.detail import DETAIL
from lambent.ui.reporter import reporter
with click.Context(click.Command("deploy")) as context:
  context.meta[DETAIL] = "steps"
  with reporter(False) as show:
    show(Fetching(0, 2, 0, 30_000_000, ()))
    show(Fetching(1, 2, 10_000_000, 30_000_000, ("numpy",)))
    show(Fetching(1, 2, 20_000_000, 30_000_000, ("numpy",)))
    show(Fetched(2, 30_000_000, 1.5))
"""


def test_terminal_shows_a_line_that_is_erased_at_the_end() -> None:
    master, terminal = pty.openpty()
    environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    environ = {name: value for name, value in environ.items() if name not in ("NO_COLOR", "CI")}
    run = subprocess.Popen([sys.executable, "-c", SHOW], stderr=terminal, stdout=terminal, env=environ)
    os.close(terminal)
    shown = b""
    while True:
        try:
            data = os.read(master, 1 << 16)
        except OSError:  # the other side is closed
            break
        if not data:
            break
        shown += data
    os.close(master)
    assert run.wait() == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert "downloading 1 of 2, 20.0 MB of 30.0 MB: numpy" in text
    assert "downloaded 2 files, 30.0 MB  1.5 s" in text
    assert b"\x1b[2K" in shown.partition(b"numpy")[2].partition(b"downloaded")[0]  # the moving line is erased


def test_pipe_gets_one_line_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    plain.print_event(ACTIVE)
    plain.print_event(Fetched(12, 66_000_000, 3.2))
    assert capsys.readouterr().err == "✓ downloaded 12 files, 66.0 MB  (3.2 s)\n"


def test_json_reports_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    jsonlines.print_event(ACTIVE)
    assert json.loads(capsys.readouterr().out) == {
        "event": "Fetching",
        "files": 3,
        "of": 12,
        "done": 14_200_000,
        "total": 66_000_000,
        "names": ["numpy", "pandas"],
    }


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (ACTIVE, "downloading 3 of 12, 14.2 MB of 66.0 MB: numpy, pandas"),
        (Fetching(0, 1, 0, 0, ()), "downloading 0 of 1, 0 B of 0 B"),
        (Fetching(0, 1, 500, 0, ("demo",)), "downloading 0 of 1, 500 B of 500 B: demo"),
    ],
)
def test_progress_line(event: Fetching, words: str) -> None:
    assert event_lines.download_line(event) == words
