"""The documentation as a site: what is generated is up to date. scripts/docs builds it, and finds broken links."""

from __future__ import annotations

import re
from pathlib import Path

from support import llms_page, settings_page
from support.console_pages import blocks
from support.paths import DOCS


def test_the_settings_page_is_up_to_date() -> None:
    committed = (DOCS / "reference/settings.md").read_text()
    assert committed == settings_page.page(), "config/reference.toml has changed: run scripts/docs and commit its pages"


def test_the_list_of_pages_for_language_models_is_up_to_date() -> None:
    assert (DOCS / "llms.txt").read_text() == llms_page.page(), "pages have changed: run scripts/docs and commit docs/llms.txt"


def test_every_page_is_in_the_navigation() -> None:
    listed = set(llms_page.pages())
    assert {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} - {"index.md"} == listed


def test_every_page_with_commands_is_played_by_a_test() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    for page in DOCS.rglob("*.md"):
        name, text = page.relative_to(DOCS).as_posix(), page.read_text()
        assert not re.search(r"^```(sh|shell)$", text, re.MULTILINE), f"{name}: only bash and console blocks are played"
        known = name in tests or f'"{page.stem}"' in tests or page.parent.name == "coming-from"
        assert known or not blocks(text), f"{name}: no test plays its commands"
