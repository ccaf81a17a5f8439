"""The example that a project has of a file that each of its users makes: settings_template.json for settings.json."""

from __future__ import annotations

import re
from pathlib import Path

_WORDS = r"(?:template|example|sample|dist|default|tmpl|tpl)s?"


def find_example(folder: Path, name: str) -> str:
    """Return the file of a project that is an example of a file that doesn't exist, "" if there is none."""
    path = folder / name
    stem, suffix = re.escape(path.stem), re.escape(path.suffix)
    pattern = re.compile(rf"(?i){stem}[._-]{_WORDS}{suffix}|{stem}{suffix}[._-]{_WORDS}|{_WORDS}[._-]{stem}{suffix}")
    if path.exists() or not path.parent.is_dir():
        return ""
    examples = (each for each in sorted(path.parent.iterdir()) if pattern.fullmatch(each.name) and each.is_file())
    return next((each.relative_to(folder).as_posix() for each in examples), "")
