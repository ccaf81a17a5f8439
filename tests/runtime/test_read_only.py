"""A read-only error during a request names the flag that helps, in the log of the request."""

from __future__ import annotations

import errno
import logging
import sqlite3
from pathlib import Path

import pytest

from lambent.runtime.log import Log
from lambent.runtime.read_only import advice

READ_ONLY = OSError(errno.EROFS, "Read-only file system", "notes.txt")


@pytest.fixture(autouse=True)
def task_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDA_TASK_ROOT", "/var/task")


@pytest.mark.parametrize(
    ("error", "path"),
    [
        (READ_ONLY, "notes.txt"),
        (OSError(errno.EROFS, "Read-only file system", "/var/task/data/a.db"), "data/a.db"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "a SQLite file"),
        (sqlite3.OperationalError("unable to open database file"), "a SQLite file"),
    ],
)
def test_flag_for_a_write_next_to_the_code(error: Exception, path: str) -> None:
    assert f"writes to {path}," in advice(error) and "lambent deploy --writable" in advice(error)
    wrapped = RuntimeError("could not save")
    wrapped.__cause__ = error
    assert advice(wrapped) == advice(error)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EROFS, "Read-only file system", "/opt/a.db"),
        OSError(errno.ENOENT, "No such file or directory", "a.db"),
        sqlite3.OperationalError("no such table: a"),
        ValueError("attempt to write a readonly database"),
        None,
    ],
)
def test_other_exceptions_get_no_advice(error: Exception | None) -> None:
    assert advice(error) == ""


def test_app_in_a_copy_gets_no_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBENT_WRITABLE", "1")
    assert advice(READ_ONLY) == ""


def test_advice_follows_a_logged_exception_once_for_each_request(capfd: pytest.CaptureFixture[str]) -> None:
    log = Log()
    root, level = logging.getLogger(), logging.getLogger().level
    handlers = list(root.handlers)
    log.hook()
    try:
        for log.request_id in ("first", "first", "second"):
            try:
                raise READ_ONLY
            except OSError:
                logging.getLogger("shop").exception("could not save")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    lines = [line for line in capfd.readouterr().out.splitlines() if "--writable" in line]
    assert [line.split("\t")[2] for line in lines] == ["first", "second"]
    assert not Path("notes.txt").exists()
