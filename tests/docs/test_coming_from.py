"""The guides from other tools: each moves a project of that tool as written, and names settings and commands that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from lambent.cli.main import COMMANDS, cli
from lambent.config.settings import KEYS
from support.console_pages import Session
from support.paths import DOCS
from support.reader import play_page

GUIDES = sorted(set((DOCS / "coming-from").glob("*.md")) - {DOCS / "coming-from/index.md"})
VALUES = {"live"}
"""Words in the settings tables that aren't settings."""


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_the_project_moves_as_written(reader: Session, guide: Path) -> None:
    play_page(guide, reader)


def ours(guide: Path, title: str) -> list[str]:
    """Return what stands in backticks in the second column of a section's table."""
    section = guide.read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
    return [text for row in rows for text in re.findall(r"`([^`]+)`", re.split(r"(?<!\\)\|", row)[2])]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_settings_exist(guide: Path) -> None:
    names = {re.split(r"\W", text)[0] for text in ours(guide, "Settings") if re.fullmatch(r"\w+( = .*)?", text)}
    assert names
    assert names <= set(KEYS) | VALUES


@pytest.mark.parametrize("guide", [guide for guide in GUIDES if guide.stem != "mangum"], ids=lambda guide: guide.stem)
def test_commands_and_their_flags_exist(guide: Path) -> None:
    commands = [shlex.split(text) for text in ours(guide, "Commands") if text.startswith("lambent ")]
    assert len(commands) > 5
    for _, name, *words in commands:
        assert name in COMMANDS
        command = cli.get_command(click.Context(cli), name)  # type: ignore[attr-defined]
        context = click.Context(command)
        known = {flag for option in command.get_params(context) for flag in (*option.opts, *option.secondary_opts)}
        flags = {word for word in words[: words.index("--") if "--" in words else None] if word.startswith("-")}
        assert flags <= known, f"{name}: {flags - known}"
