"""Reads TOML files."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from lambent.errors import PackagingError


def read_toml(path: Path) -> dict[str, Any] | None:
    """Return a TOML file's table, or None if there is no such file. Raises PackagingError for a file that isn't TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PackagingError(f"not valid TOML: {error}", where=str(path), hint="correct the syntax") from error
