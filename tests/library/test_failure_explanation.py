"""Errors of the app leave a deploy with what the project's own files say about them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lambent import events
from lambent.errors import FunctionFailedError, PackagingError
from lambent.library.failure_explanation import explain
from lambent.package.build import build
from support.configs import load_config
from support.detection import FLASK, write_project
from support.paths import CACHE


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (FunctionFailedError("ValueError: SHOP_KEY is required", hint="fix it"), "--env SHOP_KEY=VALUE"),
        (PackagingError("No such file or directory: 'model.bin'", hint="fix it"), 'include = ["model.bin"]'),
    ],
)
def test_error_of_the_app_is_explained(tmp_path: Path, error: FunctionFailedError | PackagingError, hint: str) -> None:
    code = 'import os\nKEY = os.getenv("SHOP_KEY")\n'
    files = {"main.py": FLASK + code, ".gitignore": "*.bin\n", "model.bin": "x"}
    config = load_config(write_project(tmp_path / "shop", files))
    artifact = build(config, CACHE / "build", os.environ, events.ignore)
    explain(error, config, artifact)
    assert error.hint.startswith(hint)


def test_release_that_is_pinned_is_replaced_and_not_added(tmp_path: Path) -> None:
    config = load_config(write_project(tmp_path / "shop", {"main.py": FLASK}))
    artifact = build(config, CACHE / "build", os.environ, events.ignore)
    for line, hint in (
        ("Django==4.2.18", "in requirements.txt, require django<4 instead of Django==4.2.18 (no one)"),
        ("django-filter==24.1", "add django<4 to requirements.txt (no one)"),
    ):
        write_project(tmp_path / "shop", {"requirements.txt": f"flask\n{line}\n"})
        error = FunctionFailedError("Django 4 removed it", hint="add django<4 to requirements.txt (no one)")
        explain(error, config, artifact)
        assert error.hint == hint
