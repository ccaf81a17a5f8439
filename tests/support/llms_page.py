"""Generates docs/llms.txt for language models: the pages of the site in their order, each with its first sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from support.paths import DOCS, ROOT

BASE = "https://raw.githubusercontent.com/lambent/lambent/main/docs/"
HEADER = """\
# lambent

> Deploy an unmodified Python web app to AWS Lambda, or to a Lambda on your own machine, and get a working URL.
> Start with the page for coding agents: the loop of deploying, exit statuses, and JSON output.
"""
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


def page() -> str:
    """Return the file's text."""
    sections = [(title, paths) for title, paths in _navigation() if title != "Home"]
    return HEADER + "".join(f"\n## {title}\n\n" + "".join(f"{_line(path)}\n" for path in paths) for title, paths in sections)


def pages() -> list[str]:
    """Return the pages in the navigation, as paths in docs/, without the home page."""
    return [path for title, paths in _navigation() if title != "Home" for path in paths]


def _navigation() -> Iterator[tuple[str, list[str]]]:
    """Yield the title of each part of the navigation, and its pages."""
    site: dict[str, Any] = yaml.load((ROOT / "mkdocs.yml").read_text(), yaml.BaseLoader)  # tags of Python mean nothing here
    for entry in site["nav"]:
        ((title, entries),) = entry.items()
        parts = [entries] if isinstance(entries, str) else entries
        yield title, [part if isinstance(part, str) else next(iter(part.values())) for part in parts]


def _line(path: str) -> str:
    text = (DOCS / path).read_text()
    title = TITLE.search(text)
    assert title is not None, path
    return f"- [{title[1].replace('`', '')}]({BASE}{path}): {_first_sentence(text[title.end() :])}"


def _first_sentence(text: str) -> str:
    """Return the first sentence of the first paragraph that is prose."""
    prose = re.sub(r"<!--.*?-->|^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    paragraph = next(part for part in prose.split("\n\n") if re.match(r"\s*[\w`\[*]", part))
    return re.split(r"(?<=[.])\s|(?<=。)", LINK.sub(r"\1", " ".join(paragraph.split())))[0]


if __name__ == "__main__":
    (DOCS / "llms.txt").write_text(page())
