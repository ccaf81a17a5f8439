"""Another build with the SQLite database whose tables an app's start lacks. Later builds of the app make it at once."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec.structs import replace

from lambent.config.model import Config
from lambent.errors import LambentError
from lambent.library.start_records import record_path
from lambent.package.cache import read_json, write_json

_NO_TABLE = re.compile(r"no such table: (?:\w+\.)?(\w+)")
_DIAGNOSED = re.compile(r"the database has no table (\w+)")
"""What the check of a version says, also where the traceback doesn't end in its exception."""


def with_tables(config: Config, cache: Path, error: LambentError) -> Config | None:
    """Return the configuration whose build makes the table that the app's start lacks.

    None if that isn't the error, or if the build has made the tables already: a Django project's are always made.
    """
    text = f"{error.what}\n{error.detail}"
    match = _NO_TABLE.search(text) or (_DIAGNOSED.match(error.what) if "SQLite file" in error.hint else None)
    if match is None or config.missing_table or config.app.kind == "handler" or "django/" in text:
        return None
    write_json(record_path("table", config, cache), match[1])
    return replace(config, missing_table=match[1])


def with_known_tables(config: Config, cache: Path) -> Config:
    """Return the configuration whose build makes the table that an earlier start has lacked, if one has."""
    path = record_path("table", config, cache)
    table = read_json(path) if not config.missing_table and path.is_file() else None
    return replace(config, missing_table=table) if table else config


def without_tables(config: Config, cache: Path) -> Config:
    """Return the configuration whose build makes no tables, and forget that one was lacking."""
    record_path("table", config, cache).unlink(missing_ok=True)
    return replace(config, missing_table="")
