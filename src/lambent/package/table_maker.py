"""A program for the target's Python: makes the SQLite database that an app lacks, in the way that the app's own files show.

Its arguments are a copy of the project, which has lambent's runtime too, the folder of its packages, the file that gets the
result as JSON, the app's handler, and the table that the database lacks: "" asks Flask-SQLAlchemy's models for one. It runs
without lambent. Each way of `table_ways.py` is tried in a process of its own. What counts is whether a new database has the
table then.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

_TRY_MAX_S = 40
_TOO_SLOW = f"it takes longer than {_TRY_MAX_S} s"
_SQLITE = b"SQLite format 3\0"


def main(copy: str, packages: str, result: str, table: str) -> None:
    has_commands = Path(packages, "flask").is_dir() or Path(copy, "alembic.ini").is_file()
    groups = (*(["commands"] if has_commands else []), "programs", "models")
    existing: dict[Path, bytes | None] = {path: b"" if _is_empty(path) else None for path in Path(copy).rglob("*")}
    existing.update((file, file.read_bytes()) for file in _databases(copy))
    report = _make(copy, result, table, groups, existing) if table else _ask_models(copy, result, groups, existing)
    Path(result).write_text(json.dumps({"table": table, **report}), "utf-8")


def _ask_models(copy: str, result: str, groups: tuple[str, ...], existing: dict[Path, bytes | None]) -> dict[str, Any]:
    """Return what `_make` returns for a table of the app's models. If none is lacking, or can't be made, that is no error."""
    report = _run("lacking", 0, result)
    _restore(copy, existing)
    table = report.get("table", "")
    outcome = _make(copy, result, table, groups, existing) if table else {}
    if "databases" in outcome:
        return {"table": table, **outcome}
    own = [file.relative_to(copy).as_posix() for file in Path(copy).rglob("*.py")]
    is_fixable = "error" in report and report["error"] != _TOO_SLOW
    return {"modules": own if is_fixable else []}  # otherwise an edit of the code doesn't ask again


def _make(copy: str, result: str, table: str, groups: tuple[str, ...], existing: dict[Path, bytes | None]) -> dict[str, Any]:
    """Return how the table was made, and the new databases, from the first way that makes it without an exception."""
    tried: list[str] = []
    incomplete: list[tuple[str, int]] = []
    for group in groups:
        number = 0
        while "way" in (report := _run(group, number, result)):
            if (databases := _new_databases(copy, existing, table)) and not report["error"]:
                return {"way": report["way"], "modules": report["modules"], "databases": databases}
            if databases:
                incomplete.append((group, number))
            tried.append(f"{report['way']}: {report['error'] or 'it makes no such table'}")
            _restore(copy, existing)
            number += 1
        tried += filter(None, [report.get("error")])
        _restore(copy, existing)  # the import may have made some
    for group, number in incomplete:
        report = _run(group, number, result)
        if databases := _new_databases(copy, existing, table):
            return {"way": report["way"], "modules": report["modules"], "databases": databases}
        _restore(copy, existing)
    return {"error": "; ".join(dict.fromkeys(tried))}


def _run(group: str, number: int, result: str) -> dict[str, Any]:
    """Try one way in a process of its own. Return its report, which has no "way" if there is none of that number.

    The first process writes bytecode, so that the others start faster.
    """
    file = Path(f"{result}.way")
    file.unlink(missing_ok=True)
    program = str(Path(__file__).with_name("table_ways.py"))
    command = [sys.executable, "-I", program, *sys.argv[1:3], str(file), sys.argv[4], group, str(number)]
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TRY_MAX_S)
        report: dict[str, Any] = json.loads(file.read_text("utf-8"))
    except subprocess.TimeoutExpired:
        report = {"error": _TOO_SLOW}
    except (OSError, ValueError):
        report = {"error": "its process ended early"}
    return report


def _databases(copy: str) -> list[Path]:
    return sorted(path for path in Path(copy).rglob("*") if path.is_file() and not path.is_symlink() and _is_database(path))


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _is_empty(path: Path) -> bool:
    return path.is_file() and path.stat().st_size == 0


def _new_databases(copy: str, existing: dict[Path, bytes | None], table: str) -> list[str]:
    """Return the new databases if one of them has the table."""
    new = [file for file in _databases(copy) if not existing.get(file)]
    return [file.relative_to(copy).as_posix() for file in new] if any(_has(file, table) for file in new) else []


def _has(file: Path, table: str) -> bool:
    with suppress(sqlite3.Error):
        connection = sqlite3.connect(str(file))
        try:
            query = "SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE"
            return connection.execute(query, (table,)).fetchone() is not None
        finally:
            connection.close()
    return False


def _restore(copy: str, existing: dict[Path, bytes | None]) -> None:
    """Undo what a way has done: remove new files and folders, and give databases and empty files their content back."""
    for path in sorted(Path(copy).rglob("*"), reverse=True):  # a folder after what it contains
        if path not in existing and "__pycache__" not in path.parts:
            with suppress(OSError):  # bytecode in a new folder
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    for file, content in existing.items():
        if content is not None:
            file.write_bytes(content)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[5])
