"""The tutorial, typed as it stands. Its AWS account is a second local Lambda: only the form of its URLs differs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.console_pages import Session, blocks, play
from support.forked import commands
from support.paths import DOCS
from support.reader import free_port, lacking, reader_environment

PAGE = DOCS / "tutorial/index.md"
ACCOUNT = "5. Deploy to AWS"
"""The section from which on the reader has an AWS account."""


@pytest.fixture
def ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture
def reader(tmp_path: Path, ports: tuple[int, int]) -> Iterator[Session]:
    folder, account = tmp_path / "work", tmp_path / "account"
    folder.mkdir()
    with Session(folder, reader_environment(tmp_path, ports[0], commands()) | {"ACCOUNT": str(account)}) as session:
        session.run(f'lambent local start --port {ports[1]} --state "$ACCOUNT"', 60)
        try:
            yield session
        finally:
            session.run('lambent local stop; lambent local stop --state "$ACCOUNT"', 60)


def test_the_tutorial_works_as_written(reader: Session, ports: tuple[int, int]) -> None:
    page = PAGE.read_text().replace(":4580", f":{ports[0]}")
    page = page.replace("https://....lambda-url.us-east-1.on.aws", f"http://....lambda-url.us-east-1.localhost:{ports[1]}")
    logged_in = False
    for block in blocks(page):
        if missing := lacking(block):
            pytest.skip(f"this machine has no {' and no '.join(missing)}")
        if ACCOUNT in block.sections and not logged_in:
            assert reader.run('eval "$(lambent local env --state "$ACCOUNT")"', 60)[0] == 0
            logged_in = True
        play(block, reader, PAGE.name)
    assert logged_in
