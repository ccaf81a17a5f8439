"""SQLite databases in place of an app: Datasette serves them."""

from __future__ import annotations

from pathlib import Path

from lambent.errors import UsageError

SUFFIXES = (".db", ".sqlite", ".sqlite3", ".db3")
_HEADER = b"SQLite format 3\0"


def is_database(path: Path) -> bool:
    """Return whether a path is a SQLite database. Raises UsageError for another file that is named like one."""
    if not path.is_file() or path.suffix == ".py":
        return False
    with path.open("rb") as file:
        is_sqlite = file.read(len(_HEADER)) == _HEADER
    if not is_sqlite and path.suffix.lower() in SUFFIXES:
        raise UsageError(
            f"{path.name} is not a SQLite database", where=str(path), hint="pass a database, a folder or a Python file"
        )
    return is_sqlite
