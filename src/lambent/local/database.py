"""The databases in the state folder: how they are opened, and the errors for those that can't be."""

from __future__ import annotations

import contextlib
import errno
import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lambent.errors import LocalError
from lambent.local import set_aside, state_folder

log = logging.getLogger("lambent.aws_services")

FORMAT = 1
"""The format of the state folder. Raise it when an older lambent could not read what this one writes."""

NAME = "lambda.sqlite"
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
_SQLITE_DISK = ("is full", "disk I/O", "readonly database")  # SQLite says "disk I/O error" on some full disks too
_DAMAGE = (1, 11, 19, 20, 24, 26)
"""SQLite's ERROR, CORRUPT, CONSTRAINT, MISMATCH, FORMAT and NOTADB. Statements and rows are right, so the file isn't."""

FAILURES = (sqlite3.Error, UnicodeDecodeError)
"""What using a database may raise. UnicodeDecodeError: SQLite's message quotes a damaged file."""

REFUSED_BY_DISK = (
    "the disk with the state of lambent's local Lambda is full or can't be written, and nothing was changed: free space, then "
    "try again"
)


def open_database(state: Path) -> sqlite3.Connection:
    """Open or create the database (WAL) of a state folder. Raises LocalError."""
    path = state / NAME
    try:
        database = _connect(path)
        (version,) = database.execute("PRAGMA user_version").fetchone()  # 0 is a new one, or from before formats had a number
        if version <= FORMAT:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")  # survives kill -9; only a power cut may lose the last writes
            if version < FORMAT:
                database.execute(f"PRAGMA user_version={FORMAT}")
            (damage,) = database.execute("PRAGMA integrity_check(1)").fetchone()
            if damage != "ok":
                raise sqlite3.DatabaseError(damage.splitlines()[-1])
    except FAILURES as error:
        raise unusable(path, error) from error
    if version > FORMAT:
        database.close()
        what = f"a newer lambent has written this state folder (format {version}; this lambent knows {FORMAT})"
        raise LocalError(what, where=str(path), hint="update lambent, or use another folder: --state DIR")
    return database


class DisposableDatabase:
    """A database whose content may be lost, such as logs. If it is damaged, it is set aside, and an empty one takes its place.

    `prepare` creates the tables and reads what is needed from them. Raises LocalError if the database can't be opened, and
    later sqlite3.Error if it can't be read or written. The caller holds a lock.
    """

    def __init__(self, path: Path, prepare: Callable[[DisposableDatabase], None]) -> None:
        self._path = path
        self._prepare = prepare
        try:
            try:
                self._open()
            except FAILURES as error:
                self._replace_damaged(error)
        except FAILURES as error:
            raise unusable(path, error) from error

    def execute(self, statement: str, parameters: Sequence[str | int | bytes] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of the result."""
        try:
            return self._connection.execute(statement, parameters).fetchall()
        except FAILURES as error:
            in_transaction = self._connection.in_transaction
            self._replace_damaged(error)
            if in_transaction:
                self._connection.execute("BEGIN")
            return self._connection.execute(statement, parameters).fetchall()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Make what happens inside durable at the end, or undo it if that fails or anything is raised."""
        self.execute("BEGIN")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        self._connection.close()

    def _open(self) -> None:
        self._connection = _connect(self._path)
        for pragma in ("auto_vacuum=INCREMENTAL", "journal_mode=WAL", "synchronous=OFF", "journal_size_limit=4194304"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._prepare(self)

    def _replace_damaged(self, error: Exception) -> None:
        """Begin with a new database, or raise the error if it is about something else than the content."""
        if not _is_damage(error):
            raise error
        self._connection.close()
        aside = set_aside.move_database(self._path)
        log.error("%s is damaged (%s): it is set aside as %s", self._path, error, aside)
        self._open()


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    database.text_factory = lambda text: str(text, "utf-8", "backslashreplace")  # what is damaged is told from the rest later
    return database


def _is_damage(error: Exception) -> bool:
    """Whether an error is about the content of a database, not about the disk or its permissions."""
    if isinstance(error, UnicodeDecodeError):
        return True
    return type(error) is sqlite3.DatabaseError or getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


def unusable(path: Path, error: Exception) -> LocalError:
    """Return the error for a database that can't be opened or read."""
    if not _is_damage(error):
        return state_folder.unusable(path, error)
    command = set_aside.move_command(path)
    hint = f"set it aside, and deploy again: {command}; buckets, roles and log groups are stored elsewhere"
    return LocalError(f"the local Lambda's state is damaged: {error}", where=str(path), hint=hint)


def refused_by_disk(error: Exception) -> bool:
    """Return whether a write has failed because the disk is full or broken."""
    if isinstance(error, OSError):
        return error.errno in _DISK
    return isinstance(error, sqlite3.OperationalError) and any(text in str(error) for text in _SQLITE_DISK)
