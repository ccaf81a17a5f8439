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
