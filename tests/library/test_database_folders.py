"""A SQLite database at a path of its author's machine: the error names the address, and one that works."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from lambent.config.load import Flags, load
from lambent.errors import FunctionFailedError
from lambent.library.database_folders import explain
from support.local_service import RUNTIME

MESSAGE = "the app writes to a SQLite file, next to its code, but on Lambda only /tmp is writable"
DETAIL = "OperationalError: (sqlite3.OperationalError) unable to open database file"


@pytest.mark.parametrize(
    ("code", "cure"),
    [
        ('engine = create_engine("sqlite:////home/ann/shop.db")', "write sqlite:////tmp/shop.db in main.py:1"),
        ('url = os.getenv("DB", "sqlite:////data/shop.db")', "--env DB=sqlite:////tmp/shop.db"),
        (
            'class S(BaseSettings):\n    db_url: str = "sqlite+aiosqlite:////a/b.db"',
            "--env DB_URL=sqlite+aiosqlite:////tmp/b.db",
        ),
        (
            'class S(BaseSettings):\n    db: str = "sqlite:////a/b.db"\n    class Config:\n        case_sensitive = True',
            "--env db=sqlite:////tmp/b.db",
        ),
        ('url = "sqlite:////tmp/shop.db"', ""),
        ('url = "sqlite:///shop.db"', ""),
    ],
)
def test_database_in_a_folder_that_lambda_does_not_have(tmp_path: Path, code: str, cure: str) -> None:
    (tmp_path / "main.py").write_text(f"{code}\ndef app(environ, start_response): ...\n")
    config = load(tmp_path, Flags(app="main:app", runtime=RUNTIME), {}, date.today())
    error = FunctionFailedError(MESSAGE, hint="write below /tmp", detail=DETAIL)
    explain(error, config)
    if cure:
        assert error.hint.startswith(f"{cure}, ") and "Lambda doesn't have that folder" in error.what
    else:
        assert (error.what, error.hint) == (MESSAGE, "write below /tmp")
