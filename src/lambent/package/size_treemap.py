"""The size breakdown of a zip as an HTML page: a treemap by package, folder and file.

The page is one file that needs no network and no library. The script in the template, size_treemap.html, draws the map.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from lambent.events import FileSize, PackageSize
from lambent.package.size_report import by_package
from lambent.units import size


def page(files: Sequence[FileSize], title: str) -> str:
    """Return the page for the files of a zip."""
    packages = by_package(files)
    values = {
        "title": _escape(title),
        "zipped": size(sum(package.packed for package in packages)),
        "unpacked": size(sum(package.raw for package in packages)),
        "compiled": size(sum(package.bytecode for package in packages)),
        "count": f"{len(files):,}",
        "rows": "\n".join(map(_row, packages)),
        "data": _data(files, packages),
    }
    template = Path(__file__).with_name("size_treemap.html").read_text("utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda name: values[name[1]], template)


def _data(files: Sequence[FileSize], packages: Sequence[PackageSize]) -> str:
    """Return the files by package as JSON, escaped so that no name in it can end the script element."""
    parts: dict[str, list[tuple[str, int, int]]] = {package.name: [] for package in packages}
    for file in files:
        parts[file.package].append((file.name, file.raw, file.packed))
    return json.dumps(list(parts.items()), separators=(",", ":")).replace("<", "\\u003c")


def _row(package: PackageSize) -> str:
    """Return a row of the table that readers without JavaScript see."""
    return f"        <tr><td>{_escape(package.name)}</td><td>{size(package.packed)}</td><td>{size(package.raw)}</td></tr>"


def _escape(text: str) -> str:
    """Escape text for an element. Importing `html` for its `escape` would take longer than everything else here."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
