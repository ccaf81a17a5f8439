"""What the service couldn't read when it started. It is set aside, not deleted, and `lambent local status` lists it."""

from __future__ import annotations

import itertools
import os
import re
import shlex
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from lambent.local.regular_file import open_regular

_MOVED = re.compile(r".+\.damaged(?:-\d+|-wal|-shm)*")
_LINES = ".unreadable.jsonl"
_FOLDERS = ("", "neighbours")
DATABASE_PARTS = ("", "-wal", "-shm")
"""Endings of a database's files: without its log it is another one, and the log is no part of the one that takes its place."""


class SetAside(Struct, frozen=True):
    """A file or folder that was set aside. `entries`: how many entries are in it, None for a whole file or folder."""

    path: str
    entries: int | None


def append(path: Path, lines: Iterable[bytes]) -> Path:
    """Append lines that can't be read to a file next to `path`, and return that. Raises OSError."""
    aside = path.with_suffix(_LINES)
    with os.fdopen(open_regular(aside, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    return aside


def move_database(path: Path) -> Path:
    """Rename a database, and return its new path. Raises OSError."""
    aside = _unused(path)
    for part in DATABASE_PARTS:
        source = path.with_name(f"{path.name}{part}")
        if source.exists():
            source.replace(f"{aside}{part}")
    return aside


def move_command(path: Path) -> str:
    """Return the command that sets a file or folder aside, with what belongs to it if it is a database."""
    aside = _unused(path)
    sources = (path.with_name(f"{path.name}{part}") for part in DATABASE_PARTS)
    moves = [["mv", str(source), f"{aside}{str(source)[len(str(path)) :]}"] for source in sources if os.path.lexists(source)]
    return " && ".join(shlex.join(move) for move in moves)


def find(state: Path) -> list[SetAside]:
    """Return what is set aside in a state folder, as far as this user may look."""
    found = []
    for folder in _FOLDERS:
        with suppress(OSError):
            for path in sorted((state / folder).iterdir()):
                if path.name.endswith(_LINES):
                    found.append(SetAside(str(path), _count(path)))
                elif _MOVED.fullmatch(path.name):
                    found.append(SetAside(str(path), None))
    return found


def remove_command(found: Iterable[SetAside]) -> str:
    return shlex.join(["rm", "-r", *(each.path for each in found)])


def _unused(path: Path) -> Path:
    names = itertools.chain([f"{path}.damaged"], (f"{path}.damaged-{number}" for number in itertools.count(2)))
    return next(Path(name) for name in names if not os.path.lexists(name))


def _count(path: Path) -> int:
    with os.fdopen(open_regular(path), "rb") as file:
        return sum(1 for _ in file)
