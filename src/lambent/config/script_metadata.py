"""Inline metadata of a single-file script (PEP 723), read without running the script.

Source: https://packaging.python.org/en/latest/specifications/inline-script-metadata/
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from lambent.errors import UsageError

_BLOCK = re.compile(r"(?m)^# /// script[ \t]*\r?$\s(?P<content>(^#(| .*)$\s)+)^# ///[ \t]*\r?$")


def read(path: Path) -> dict[str, Any] | None:
    """Return the table in a script's `# /// script` block, or None if it has no block. Raises UsageError for invalid TOML."""
    try:
        text = path.read_text("utf-8-sig", "replace")
    except OSError:
        return None
    block = _BLOCK.search(text)
    if block is None:
        return None
    lines = block["content"].splitlines()
    toml = "\n".join(line[2:] if line.startswith("# ") else line[1:] for line in lines)
    try:
        return tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"invalid TOML in the script metadata: {error}", where=f"{path.name}, # /// script") from error
