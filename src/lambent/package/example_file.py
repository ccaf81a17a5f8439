"""The example that a project has of a file that every developer makes: settings.py.example for settings.py."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

_WORD = "(?:example|sample|template|tmpl|dist|default)"


def creation_of(folder: Path, name: str) -> str:
    """Return the command that makes a missing file of a project from its example, "" if it has none."""
    path = PurePosixPath(name)
    stem, suffix = re.escape(path.stem), re.escape(path.suffix)
    pattern = re.compile(rf"{stem}{suffix}[._-]{_WORD}|{stem}[._-]{_WORD}{suffix}|{_WORD}[._-]{stem}{suffix}")
    names = sorted(file.name for file in (folder / path.parent).glob("*"))
    example = next(filter(pattern.fullmatch, names), "")
    return f"cp {path.with_name(example)} {path}" if example else ""
