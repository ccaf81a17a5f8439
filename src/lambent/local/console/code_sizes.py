"""How large the parts of a version's zip are, as a tree of folders and files."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from msgspec import Struct, field

_SHARE_MIN = 0.0005
"""Of the whole zip. Smaller parts of a folder are one part: they would be too small to see, and there may be 65,000."""


class Part(Struct):
    """A folder or a file, with bytes in the zip and unpacked. `files` counts the files."""

    name: str
    zipped: int = 0
    unpacked: int = 0
    files: int = 0
    children: dict[str, Part] = field(default_factory=dict)

    def add(self, zipped: int, unpacked: int) -> None:
        self.zipped += zipped
        self.unpacked += unpacked
        self.files += 1


def read_sizes(archive: Path) -> dict[str, Any]:
    """Return the tree of a zip as a JSON object. Blocks. Raises OSError or zipfile.BadZipFile."""
    root = Part("")
    with zipfile.ZipFile(archive) as file:
        for member in file.infolist():
            if not member.is_dir():
                _add(root, member.filename, member.compress_size, member.file_size)
    return _shown(root, max(root.zipped * _SHARE_MIN, 1), max(root.unpacked * _SHARE_MIN, 1))


def _add(root: Part, path: str, zipped: int, unpacked: int) -> None:
    part = root
    part.add(zipped, unpacked)
    for name in filter(None, path.split("/")):
        part = part.children.setdefault(name, Part(name))
        part.add(zipped, unpacked)


def _shown(part: Part, zipped_min: float, unpacked_min: float) -> dict[str, Any]:
    document: dict[str, Any] = {"name": part.name, "zipped": part.zipped, "unpacked": part.unpacked, "files": part.files}
    large = [each for each in part.children.values() if each.zipped >= zipped_min or each.unpacked >= unpacked_min]
    rest = Part(f"{part.files - sum(each.files for each in large)} smaller files")
    rest.zipped = part.zipped - sum(each.zipped for each in large)
    rest.unpacked = part.unpacked - sum(each.unpacked for each in large)
    rest.files = part.files - sum(each.files for each in large)
    if large:
        ordered = sorted([*large, *([rest] if rest.files else [])], key=lambda each: -each.unpacked)
        document["children"] = [_shown(each, zipped_min, unpacked_min) for each in ordered]
    return document
