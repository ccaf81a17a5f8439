"""The page for coding agents: its loop works as written, and it lists the members of the events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import fields

from lambent import events, log_events, status_events
from support.console_pages import Session, blocks, play
from support.paths import DOCS
from support.reader import free_port, lacking, reader_environment

PAGE = DOCS / "reference/agents.md"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Session]:
    port = free_port()
    folder = tmp_path / "work"
    folder.mkdir()
    with Session(folder, reader_environment(tmp_path, port), {f":{port}": ":4580"}) as session:
        try:
            yield session
        finally:
            session.run("lambent local stop", 60)


def test_the_loop_works_as_written(reader: Session) -> None:
    for block in blocks(PAGE.read_text()):
        if missing := lacking(block):
            pytest.skip(f"this machine has no {' and no '.join(missing)}")
        play(block, reader, PAGE.name)


def test_the_members_of_the_events_are_listed() -> None:
    rows = re.findall(r"^\| [^|]+ \| `(\w+)` \| (.+) \|$", PAGE.read_text().split("\n## JSON\n")[1], re.MULTILINE)
    checked = 0
    for name, members in rows:
        event = next((getattr(module, name) for module in (events, status_events, log_events) if hasattr(module, name)), None)
        if event is not None and name != "Packed":
            listed = re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", members))
            assert listed == [field.name for field in fields(event)], name
            checked += 1
    assert checked > 8
