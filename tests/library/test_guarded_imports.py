"""A package that the app imports only if it is there, and then needs: the error names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.errors import FunctionFailedError
from lambent.library.guarded_imports import explain
from lambent.package.archive import Entry
from lambent.package.artifact import Artifact
from support.configs import load_config

SOURCE = """\
try:
    import yaml
    from slugify import slugify as slug
except ImportError:
    slug = None
title = slug(open_settings(yaml)) if yaml else None
def app(environ, start_response): ...

"""
NO_NAME = "NameError: name 'yaml' is not defined"
NOT_CALLABLE = "TypeError: 'NoneType' object is not callable"


def fail(folder: Path, message: str, line: int, *packed: str) -> FunctionFailedError:
    (folder / "main.py").write_text(SOURCE)
    entries = tuple(Entry(name, 0, 0, 0, 0, 0) for name in packed)
    detail = f'Traceback (most recent call last):\n  File "/var/task/main.py", line {line}, in <module>\n{message}'
    error = FunctionFailedError("the function failed", hint="fix the error", detail=detail)
    explain(error, load_config(folder), Artifact(Path("a.zip"), "", 0, 0, 0, "", "", "", entries=entries))
    return error


@pytest.mark.parametrize(("message", "package"), [(NO_NAME, "PyYAML"), (NOT_CALLABLE, "python-slugify")])
def test_package_of_a_guarded_import_is_named(tmp_path: Path, message: str, package: str) -> None:
    error = fail(tmp_path, message, 6)
    assert error.what.endswith("which it imports only if it is there (main.py, line 6)")
    assert error.hint == f"add {package} to your requirements"


@pytest.mark.parametrize(
    ("message", "line", "packed"),
    [("NameError: name 'yamls' is not defined", 6, ""), (NOT_CALLABLE, 7, ""), (NO_NAME, 6, "yaml/__init__.py")],
)
def test_other_errors_stay(tmp_path: Path, message: str, line: int, packed: str) -> None:
    assert fail(tmp_path, message, line, packed).hint == "fix the error"


@pytest.mark.parametrize(
    ("guard", "line"),
    [
        ("import ujson as json\nexcept ImportError:\n    import json\n", "json.loads(settings.body)"),  # another replaces it
        ("import sqlite3\nexcept ImportError:\n    sqlite3 = None\n", "sqlite3.body"),  # Python has it
        ("import boto3\nexcept ImportError:\n    boto3 = None\n", "boto3.body"),  # Lambda has it
        ("import redis\nexcept ImportError:\n    redis = None\n", "redis.Redis(settings.body)"),  # None is another name
    ],
)
def test_imports_that_lack_nothing_are_not_named(tmp_path: Path, guard: str, line: str) -> None:
    (tmp_path / "main.py").write_text(f"try:\n    {guard}{line}\ndef app(environ, start_response): ...\n")
    detail = "  File \"/var/task/main.py\", line 5, in <module>\nAttributeError: 'NoneType' object has no attribute 'body'"
    error = FunctionFailedError("the function failed", hint="fix the error", detail=detail)
    explain(error, load_config(tmp_path), Artifact(Path("a.zip"), "", 0, 0, 0, "", "", ""))
    assert error.hint == "fix the error"
