"""docs/benchmarks.md: one part for each bench, each written by its own run."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
_PARTS = ("runtime", "package", "dev")
_TITLE = "# Benchmarks\n"
_MARK = "<!-- {}: scripts/bench {} -->\n"


def write(path: Path, name: str, text: str) -> None:
    """Replace the part called `name`."""
    parts = _read(path.read_text() if path.exists() else "") | {name: text}
    marked = [f"{_MARK.format(part, part)}\n{parts[part].strip()}\n" for part in _PARTS if part in parts]
    path.write_text("\n".join([_TITLE, *marked]))


def _read(page: str) -> dict[str, str]:
    pieces = re.split(r"^<!-- (\w+): scripts/bench \w+ -->$", page, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))
