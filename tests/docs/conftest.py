"""A reader of a page, whose local Lambda seems to have the usual port."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.console_pages import Session
from support.forked import commands
from support.reader import free_port, reader_environment


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Session]:
    port = free_port()
    folder = tmp_path / "work"
    folder.mkdir()
    with Session(folder, reader_environment(tmp_path, port, commands()), {f":{port}": ":4580"}) as session:
        try:
            yield session
        finally:
            session.run("lambent local stop", 60)
