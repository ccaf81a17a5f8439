"""Projects: pyproject.toml, single scripts and missing paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.config.project import find_project
from lambent.errors import UsageError
from support.configs import load_config


def test_script_metadata_is_read(tmp_path: Path) -> None:
    script = tmp_path / "hello_page.py"
    script.write_text(
        '# /// script\n# requires-python = ">=3.12"\n# dependencies = ["flask"]\n# [tool.lambent]\n# memory = 256\n# ///\n'
        "from flask import Flask\napp = Flask(__name__)\n"
    )
    config = load_config(script, pythons=("3.11", "3.12"), installed="required")
    assert (config.path, config.name, config.runtime, config.memory_mb) == (script, "hello_page", "python3.12", 256)
    assert config.origins["memory_mb"] == "hello_page.py [tool.lambent] memory"


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[tool", "not valid TOML"),
        ("tool = 3", "tool must be a table"),
        ("[tool]\nlambent = 3", "tool.lambent must be a table"),
    ],
)
def test_invalid_pyproject_is_refused(tmp_path: Path, toml: str, message: str) -> None:
    (tmp_path / "pyproject.toml").write_text(toml)
    with pytest.raises(UsageError, match=message):
        find_project(tmp_path)


def test_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        find_project(tmp_path / "missing")
