"""What takes the room as a page to look at: a map of the zip, by package, folder and file.

One file that needs nothing else: no network, no library. The template (size_treemap.html) draws; this fills it in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from lambent.events import FileSize, PackageSize
from lambent.package.size_report import shares


def page(files: Sequence[FileSize], title: str) -> str:
    """The page for the files of a zip."""
    found = shares(files)
    values = {
        "title": _escape(title),
        "zipped": _size(sum(share.packed for share in found)),
        "unpacked": _size(sum(share.raw for share in found)),
        "compiled": _size(sum(share.bytecode for share in found)),
        "count": f"{len(files):,}",
        "rows": "\n".join(map(_row, found)),
        "data": _data(files, found),
    }
    template = Path(__file__).with_name("size_treemap.html").read_text("utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda name: values[name[1]], template)


def _data(files: Sequence[FileSize], found: Sequence[PackageSize]) -> str:
    """The files by package as JSON that may stand in a script element: no name in it can end that."""
    parts: dict[str, list[tuple[str, int, int]]] = {share.name: [] for share in found}
    for file in files:
        parts[file.package].append((file.name, file.raw, file.packed))
    return json.dumps(list(parts.items()), separators=(",", ":")).replace("<", "\\u003c")


def _row(share: PackageSize) -> str:
    """A row of the table, for readers without scripts."""
    return f"        <tr><td>{_escape(share.name)}</td><td>{_size(share.packed)}</td><td>{_size(share.raw)}</td></tr>"


def _escape(text: str) -> str:
    """Text as it may stand in an element. (`html.escape` would do, but importing it takes longer than all else here.)"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _size(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB" if count >= 1_000_000 else f"{count / 1000:.1f} kB"
