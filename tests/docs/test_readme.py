"""The README's first screen: its commands, typed in order, print what it shows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.console_pages import Session, blocks, play
from support.paths import ROOT
from support.reader import free_port, reader_environment

README = ROOT / "README.md"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    port = free_port()
    folder = tmp_path / "hello"
    folder.mkdir()
    with Session(folder, reader_environment(tmp_path, port), {f":{port}": ":4580"}) as reader:
        try:
            yield reader
        finally:
            reader.run("lambent local stop", 60)


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_commands_of_the_readme(session: Session, tmp_path: Path) -> None:
    for block in blocks(README.read_text()):
        words = block.commands[0].text.split()
        if words[0] == "cat" and block.shown is not None:
            (tmp_path / "hello" / words[1]).write_text(block.shown + "\n")
        play(block, session, README.name)


def test_the_first_screen_is_one_screen() -> None:
    assert len(README.read_text().splitlines()) <= 50
