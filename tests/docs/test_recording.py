"""The recording in the README is of today's commands, and is made from what a terminal shows."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from support.paths import DOCS
from support.session_recording import COMMANDS, on_screen, record

IMAGE = DOCS / "images/session.svg"
VARIES = re.compile(r"\d+(\.\d+)? (ms|s|MB|files|packages)\b|python3\.\d+|x86_64|arm64|newest that .*")
"""What differs from one machine or day to another."""


def lines(svg: str) -> list[str]:
    """Return the text of a recording, line by line, without what varies."""
    rows: dict[str, str] = {}
    for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        row = element.get("clip-path", "")
        rows[row] = rows.get(row, "") + html.unescape(element.text or "").replace("\xa0", " ")
    return [VARIES.sub("…", text.rstrip()) for text in rows.values()]


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_recording_shows_what_is_printed_today(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    assert lines(record(tmp_path)) == lines(IMAGE.read_text()), (
        "the output has changed: run scripts/record and commit its image"
    )


def test_the_recording_needs_no_other_host() -> None:
    text = IMAGE.read_text()
    assert "url(http" not in text
    assert [line.removeprefix("$ ") for line in lines(text) if line.startswith("$ ")] == list(COMMANDS)


def test_what_a_spinner_has_drawn_over_is_not_shown() -> None:
    written = "\x1b[?25l* one\r\x1b[2K* two\r\n\x1b[?25h\r\x1b[1A\x1b[2K\x1b[32mdone\x1b[0m\r\nnext\r\n"
    assert on_screen(written) == "\x1b[32mdone\x1b[0m\nnext"
