"""Generates docs/reference/settings.md from the annotated settings in config/reference.toml."""

from __future__ import annotations

import re

from support.paths import DOCS, SOURCE

_SETTING = re.compile(r"(?:# )?(?P<key>\w+) = (?P<value>.+?)\s*(?:# (?P<meaning>.+))?")
_TABLE = re.compile(r"\[(?P<name>[\w.]+)\]\s*(?:# (?P<meaning>.+))?")

TITLES = {
    ("tool.lambent", 0): "The app and its zip",
    ("tool.lambent", 1): "Where it is deployed",
    ("tool.lambent", 2): "How AWS runs the function",
    ("tool.lambent.env", 0): "Environment variables",
    ("tool.lambent.stages.prod", 0): "Stages",
}
"""The title of each group of settings: its table, and how many blank lines of the table are above it."""

INTRODUCTION = """\
# Settings

<!-- Generated from src/lambent/config/reference.toml by scripts/docs. Do not edit. -->

Nothing is required; [`lambent init`](commands.md#lambent-init) writes a table to start from. Settings are keys of
`[tool.lambent]` in `pyproject.toml`, or in a script's own metadata. A flag (`--memory 512`) beats the environment
(`LAMBENT_MEMORY=512`), which beats the stage's table, which beats `[tool.lambent]`.
[`lambent config`](commands.md#lambent-config) shows the value of each setting and where it comes from;
[the page about the local Lambda](local.md#settings-that-are-ignored)
says which ones `--local` ignores. The column *value* has the default, or an example.
"""


def page() -> str:
    """Return the page, in Markdown."""
    text = (SOURCE / "config/reference.toml").read_text()
    groups = "".join(_group(table, number, lines) for table, number, lines in _groups(text))
    return f"{INTRODUCTION}{groups}\n## All of it, to copy\n\n```toml\n{text}```\n"


def _groups(text: str) -> list[tuple[str, int, list[str]]]:
    """Return each group as its table, its number in the table, and its lines. The comment at the top of the file isn't one."""
    groups: list[tuple[str, int, list[str]]] = []
    for paragraph in text.strip().split("\n\n")[1:]:
        lines = paragraph.splitlines()
        table = _TABLE.fullmatch(lines[0])
        name = table["name"] if table else groups[-1][0]
        groups.append((name, 0 if table else groups[-1][1] + 1, lines))
    return groups


def _group(table: str, number: int, lines: list[str]) -> str:
    header = _TABLE.fullmatch(lines[0])
    about = f": {_cell(header['meaning'])}" if header and header["meaning"] else ""
    rows = [_row(match) for line in lines if (match := _SETTING.fullmatch(line))]
    settings = "\n".join(["| setting | value | meaning |", "| --- | --- | --- |", *rows])
    return f"\n## {TITLES[table, number]}\n\n`[{table}]`{about}\n\n{settings}\n"


def _row(match: re.Match[str]) -> str:
    return f"| `{match['key']}` | `{match['value']}` | {_cell(match['meaning'] or '')} |"


def _cell(text: str) -> str:
    return re.sub(r"([|<*])", r"\\\1", text)


if __name__ == "__main__":
    (DOCS / "reference/settings.md").write_text(page())
