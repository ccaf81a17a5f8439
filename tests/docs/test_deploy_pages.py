"""The pages about deploying: the how-tos work as written, and the reference lists exactly the commands and flags that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from lambent.cli.main import COMMANDS, cli
from support.console_pages import Session
from support.forked import commands
from support.paths import DOCS
from support.reader import free_port, play_page, reader_environment

HOW_TOS = ("deploy", "dev", "logs", "try", "run", "console", "variables", "secrets", "pipelines", "datasette")
PAGES = (*(DOCS / f"how-to/{name}.md" for name in HOW_TOS), DOCS / "reference/local.md")
REFERENCE = DOCS / "reference/commands.md"
COMMON = {"--help", "-h", "--verbose", "-v", "--quiet", "-q"}
"""The options of every command, which the top of the page describes."""
OWN_PAGE = {"build"}
"""Commands with their own page, which another test compares."""

SECTIONS = {title: body for title, _, body in (section.partition("\n") for section in REFERENCE.read_text().split("\n## ")[1:])}  # type: ignore[misc]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Session]:
    folder = tmp_path / "work"
    folder.mkdir()
    with Session(folder, reader_environment(tmp_path, free_port(), commands())) as session:
        try:
            yield session
        finally:
            session.run("lambent local stop", 60)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_works_as_written(reader: Session, page: Path) -> None:
    play_page(page, reader)


def flags(command: click.Command) -> set[str]:
    """Return the flags of a command and its subcommands."""
    own = {
        name
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden
        for name in (*option.opts, *option.secondary_opts)
    }
    subcommands = command.commands.values() if isinstance(command, click.Group) else ()
    return own.union(*map(flags, subcommands)) - COMMON


def documented_flags(section: str) -> set[str]:
    """Return the flags in the tables of a section and of the sections that it links to."""
    body = SECTIONS[section]
    rows = [line.split("|")[1] for line in body.splitlines() if line.startswith("| `-")]
    own = {flag for row in rows for flag in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", row)}
    groups = {"of the app": "Options of the app", "of the build": "Options of the build", "where": "Where"}
    return own.union(*(documented_flags(title) for words, title in groups.items() if f"[{words}](#" in body))


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - OWN_PAGE))
def test_the_reference_lists_exactly_the_flags_of_a_command(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)  # type: ignore[attr-defined]
    assert documented_flags(f"lambent {name}") == flags(command)


def test_the_reference_lists_exactly_the_commands() -> None:
    assert {title.removeprefix("lambent ") for title in SECTIONS if title.startswith("lambent ")} == set(COMMANDS)


def test_links_lead_to_files() -> None:
    for page in (*PAGES, REFERENCE):
        for target in re.findall(r"\]\((?!https:)([^)#]+)(?:#[\w-]+)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
