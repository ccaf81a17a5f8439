"""Files that each user makes from an example: the error names both, and the copy is packed."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from lambent.config.load import Flags, load
from lambent.errors import FunctionFailedError
from lambent.library.example_files import explain
from lambent.package.project_files import packs
from support.local_service import RUNTIME


@pytest.mark.parametrize("is_ignored", [False, True])
@pytest.mark.parametrize(
    ("name", "example", "message"),
    [
        ("settings.json", "settings_template.json", "Exception: ERROR: settings.json not found!"),
        ("settings.json", "example.settings.json", "FileNotFoundError: [Errno 2] No such file: '/var/task/settings.json'"),
        ("config.py", "config.py.sample", "ModuleNotFoundError: No module named 'config'"),
        ("config.py", "config.py.template", "SystemExit: 1\nCaused by ModuleNotFoundError: No module named 'config'"),
    ],
)
def test_file_that_is_made_from_an_example(tmp_path: Path, name: str, example: str, message: str, is_ignored: bool) -> None:
    (tmp_path / "main.py").write_text("def app(environ, start_response): ...\n")
    (tmp_path / example).write_text("")
    (tmp_path / ".gitignore").write_text(name if is_ignored else "")
    config = load(tmp_path, Flags(app="main:app", runtime=RUNTIME), {}, date.today())
    what, _, detail = message.partition("\n")
    error = FunctionFailedError(what, hint="fix the error", detail=detail)
    assert explain(error, config)
    copy, _, rest = error.hint.partition(",")
    assert (copy, 'include = ["' in rest) == (f"cp {example} {name}", is_ignored)
    assert packs(tmp_path, name, config.exclude, (name,))
    shutil.copy(tmp_path / example, tmp_path / name)
    assert not explain(error, config)
