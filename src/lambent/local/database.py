"""The databases in the state folder: how they are opened, and the errors for those that can't be."""

from __future__ import annotations

import errno
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

from lambent.errors import LocalError
from lambent.local import set_aside, state_folder

log = logging.getLogger("lambent.aws_services")

FORMAT = 1
"""The format of the state folder. Raise it when an older lambent could not read what this one writes."""

NAME = "lambda.sqlite"
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
_SQLITE_DISK = ("is full", "disk I/O", "readonly database")  # SQLite says "disk I/O error" on some full disks too
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
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    if version > FORMAT:
        database.close()
        what = f"a newer lambent has written this state folder (format {version}; this lambent knows {FORMAT})"
        raise LocalError(what, where=str(path), hint="update lambent, or use another folder: --state DIR")
    return database


def open_disposable(path: Path, prepare: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
    """Open or create a database whose content may be lost, such as logs: a damaged one is set aside. Raises LocalError.

    `prepare` creates the tables and reads what is needed from them.
    """
    try:
        try:
            return _open_disposable(path, prepare)
        except sqlite3.OperationalError:
            raise  # the disk or its permissions
        except sqlite3.DatabaseError as error:
            aside = set_aside.move_database(path)
            log.error("%s is damaged (%s): it is set aside as %s", path, error, aside)
            return _open_disposable(path, prepare)
    except sqlite3.Error as error:
        raise unusable(path, error) from error


def _open_disposable(path: Path, prepare: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
    database = _connect(path)
    try:
        for pragma in ("auto_vacuum=INCREMENTAL", "journal_mode=WAL", "synchronous=OFF", "journal_size_limit=4194304"):
            database.execute(f"PRAGMA {pragma}")
        prepare(database)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, check_same_thread=False, isolation_level=None)


def unusable(path: Path, error: sqlite3.Error) -> LocalError:
    """Return the error for a database that can't be opened or read."""
    if isinstance(error, sqlite3.OperationalError):  # the disk or its permissions, not the content
        return state_folder.unusable(path, error)
    command = set_aside.move_command(path)
    hint = f"set it aside, and deploy again: {command}; buckets, roles and log groups are stored elsewhere"
    return LocalError(f"the local Lambda's state is damaged: {error}", where=str(path), hint=hint)


def refused_by_disk(error: Exception) -> bool:
    """Return whether a write has failed because the disk is full or broken."""
    if isinstance(error, OSError):
        return error.errno in _DISK
    return isinstance(error, sqlite3.OperationalError) and any(text in str(error) for text in _SQLITE_DISK)
