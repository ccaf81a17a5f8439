"""Values that the app's code has itself: the cure names the line, since no flag would change them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.deployment.environment_gaps import USE_REACHABLE
from lambent.errors import FunctionFailedError
from lambent.library.literal_settings import explain
from support.configs import WEB_APP, load_config

UNKNOWN_HOST = "set the address of one that Lambda can reach with --env; for a private one, set vpc in [tool.lambent]"


@pytest.mark.parametrize(
    ("line", "what", "hint", "cure"),
    [
        (
            'DATABASES = {"default": {"HOST": "localhost"}}',
            "the app connects to a server on its own machine",
            USE_REACHABLE,
            "and set its address in main.py, line 2, in place of localhost",
        ),
        (
            "CACHE = os.environ.get('CACHE_URL', 'redis://:pw@db:6379/0')",
            "the app can't find the host db (main.py, line 2)",
            UNKNOWN_HOST,
            "set the address of one that Lambda can reach with --env CACHE_URL=ADDRESS; for a private one",
        ),
        ("HOST = compute()", "the app can't find the host db", UNKNOWN_HOST, "Lambda can reach with --env; for"),
        (
            'BUCKET_NAME = ""',
            "the environment variable BUCKET_NAME is not set",
            "--env BUCKET_NAME=VALUE",
            'in main.py, line 2, write BUCKET_NAME = os.environ["BUCKET_NAME"], with import os above, and pass --env',
        ),
        ("B = os.environ['BUCKET_NAME']", "BUCKET_NAME is not set", "--env BUCKET_NAME=VALUE", "--env BUCKET_NAME=VALUE"),
    ],
)
def test_line_that_has_the_value_is_named(tmp_path: Path, line: str, what: str, hint: str, cure: str) -> None:
    others = "ALLOWED_HOSTS = ['localhost', 'db']; ORIGINS = ['http://localhost:3000']"
    (tmp_path / "main.py").write_text(f"import os; {others}\n{line}\n{WEB_APP}")
    error = FunctionFailedError(what, hint=hint)
    explain(error, load_config(tmp_path, app="main:app"))
    assert cure in error.hint
