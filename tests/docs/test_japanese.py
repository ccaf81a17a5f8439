"""The Japanese pages are equal to the English ones in what a translation doesn't change: code, headings, links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.paths import DOCS, ROOT

PAGES = {
    ROOT / "README.md": ROOT / "README.ja.md",
    DOCS / "tutorial/index.md": DOCS / "ja/tutorial.md",
    DOCS / "how-to/by-hand.md": DOCS / "ja/by-hand.md",
}
"""Each English page, and its translation."""
FENCED = re.compile(r"^```\w*\n.*?^```$", re.MULTILINE | re.DOTALL)
pytestmark = pytest.mark.parametrize(("english", "japanese"), PAGES.items(), ids=lambda page: page.name)


def prose(page: Path) -> str:
    return FENCED.sub("", page.read_text())


def commands(page: Path) -> list[str]:
    """Return what stands in backticks in the prose, in alphabetical order: a translation may change theirs."""
    return sorted(" ".join(text.split()) for text in re.findall(r"`([^`]+)`", prose(page)))


def translated(page: Path, target: str) -> str:
    """Return a link's target as an absolute path or URL, the English page of a translated one."""
    if target.startswith(("https:", "#")):
        pairs = {str(ja.relative_to(ROOT)): str(en.relative_to(ROOT)) for en, ja in PAGES.items()}
        url, found, path = target.partition("/blob/main/")
        return f"{url}{found}{pairs.get(path, path)}" if not target.startswith("#") else "#"
    return str((page.parent / target).resolve())


def links(page: Path) -> list[str]:
    return sorted(translated(page, target) for target in re.findall(r"\]\(([^)]+)\)", prose(page)))


def test_code_blocks_are_the_same(english: Path, japanese: Path) -> None:
    assert FENCED.findall(japanese.read_text()) == FENCED.findall(english.read_text())


def test_headings_have_the_same_levels_in_the_same_order(english: Path, japanese: Path) -> None:
    levels = [re.findall(r"^#+(?= )", prose(page), re.MULTILINE) for page in (japanese, english)]
    assert levels[0] == levels[1]


def test_what_a_block_needs_is_the_same(english: Path, japanese: Path) -> None:
    comments = [re.findall(r"<!-- .*? -->", prose(page)) for page in (japanese, english)]
    assert comments[0] == comments[1]


def test_the_prose_names_the_same_commands(english: Path, japanese: Path) -> None:
    assert commands(japanese) == commands(english)


def test_links_lead_to_the_same_pages(english: Path, japanese: Path) -> None:
    here, there = links(japanese), links(english)
    if english.name == "README.md":  # each links to the other in its title
        here, there = ([link for link in found if "README" not in link] for found in (here, there))
    assert here == there
