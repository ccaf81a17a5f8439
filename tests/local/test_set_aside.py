"""What can't be read is set aside, and can be found, inspected and removed."""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path

from lambent.local import set_aside
from lambent.local.set_aside import SetAside


def database(path: Path, *values: int) -> sqlite3.Connection:
    """Return an open database, whose values are in its -wal file only."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("CREATE TABLE IF NOT EXISTS numbers (n)")
    connection.executemany("INSERT INTO numbers VALUES (?)", [(value,) for value in values])
    return connection


def numbers(path: Path) -> list[int]:
    with sqlite3.connect(path) as connection:
        return [row[0] for row in connection.execute("SELECT n FROM numbers")]


def test_lines_are_appended_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "neighbours" / "journal.jsonl"
    path.parent.mkdir()
    assert set_aside.find(tmp_path) == []
    aside = set_aside.append(path, [b"a\n", b"b\n"])
    assert set_aside.append(path, [b"c\n"]) == aside
    assert aside.read_bytes() == b"a\nb\nc\n"
    assert set_aside.find(tmp_path) == [SetAside(str(aside), 3)]


def test_database_is_moved_whole_and_its_successor_has_nothing_of_it(tmp_path: Path) -> None:
    """The -wal file of an old database would be written into the new one."""
    path = tmp_path / "lambda.sqlite"
    for number, move in enumerate([set_aside.move_database, by_command]):
        opened = database(path, number)
        move(path)
        opened.close()
        database(path, 7).close()
        assert numbers(path) == [7]
        path.unlink()
    assert numbers(tmp_path / "lambda.sqlite.damaged") == [0]
    assert numbers(tmp_path / "lambda.sqlite.damaged-2") == [1]


def by_command(path: Path) -> None:
    subprocess.run(set_aside.move_command(path), shell=True, check=True)


def test_the_printed_command_removes_everything(tmp_path: Path) -> None:
    state = tmp_path / "my state"
    (state / "code.damaged").mkdir(parents=True)
    (state / "code.damaged" / "x").touch()
    (state / "logs.sqlite.damaged").touch()
    (state / "logs.sqlite").touch()
    set_aside.append(state / "lambda.sqlite", [b"x\n"])
    found = set_aside.find(state)
    assert {Path(each.path).name: each.entries for each in found} == {
        "code.damaged": None,
        "logs.sqlite.damaged": None,
        "lambda.unreadable.jsonl": 1,
    }
    subprocess.run(set_aside.remove_command(found), shell=True, check=True)
    assert [path.name for path in state.iterdir()] == ["logs.sqlite"]
