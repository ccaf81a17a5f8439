"""The pages about packaging: the how-to is typed as it stands, the reference lists what there is."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from msgspec.structs import fields

from lambent import events
from lambent.cli import build
from lambent.config.model import Packaging
from lambent.config.settings import KEYS
from support.console_pages import Session
from support.forked import commands
from support.paths import DOCS
from support.reader import free_port, play_page, reader_environment

HOW_TO = DOCS / "how-to/package.md"
REFERENCE = DOCS / "reference/build.md"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Session]:
    folder = tmp_path / "work"
    folder.mkdir()
    environment = reader_environment(tmp_path, free_port(), commands()) | {"LAMBENT_CACHE": str(tmp_path / "cache")}
    with Session(folder, environment) as session:
        yield session


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine")
def test_the_how_to(reader: Session) -> None:
    play_page(HOW_TO, reader)


def test_every_option_is_in_the_reference_and_no_other() -> None:
    visible = (each for each in build.command.params if isinstance(each, click.Option) and not each.hidden)
    options = {name for option in visible for name in option.opts} - {"-v", "--verbose", "-q", "--quiet"}  # of every command
    rows = [line.split("|")[1] for line in REFERENCE.read_text().splitlines() if line.startswith(("| `-", "| `--"))]
    assert {found for row in rows for found in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", row)} == options


def test_every_setting_of_packaging_is_in_the_reference() -> None:
    page = REFERENCE.read_text()
    settings = {field.name for field in fields(Packaging)} & set(KEYS) | {"exclude"}
    rows = [line for line in page.splitlines() if line.startswith("| `") and "--" not in line.split("|")[1]]
    known = {word for row in rows for word in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert settings <= known


def test_the_events_of_a_build_are_as_the_reference_says() -> None:
    for line in REFERENCE.read_text().split("## JSON output")[1].splitlines():
        found = re.match(r"\| `(\w+)`(?:, `\w+`)? \| (.*) \|$", line)
        if found:
            members = {field.name for field in fields(getattr(events, found[1]))}
            told = re.findall(r"`(\w+)`", found[2].replace("`hint`", "") if found[1] == "Notice" else found[2])
            assert members <= set(told), found[1]
