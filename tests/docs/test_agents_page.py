"""The page for coding agents: its loop works as written, and it lists the members of the events."""

from __future__ import annotations

import re

from msgspec.structs import fields

from lambent import events, log_events, status_events
from support.console_pages import Session
from support.paths import DOCS
from support.reader import play_page

PAGE = DOCS / "reference/agents.md"


def test_the_loop_works_as_written(reader: Session) -> None:
    play_page(PAGE, reader)


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
