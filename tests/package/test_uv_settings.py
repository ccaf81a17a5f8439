"""The settings for uv of a project that requires another version of uv."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from lambent.package.uv_command import Uv
from lambent.package.uv_settings import write_settings

SETTINGS = """
[tool.uv]
required-version = "==0.1.0"
package = false
environments = ["sys_platform == 'linux'"]
constraint-dependencies = ["idna<4"]
[[tool.uv.index]]
url = "https://pypi.acme.io/simple"
"""


def test_settings_are_those_of_the_project_without_what_only_pyproject_may_have(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    (tmp_path / "app").mkdir()
    write_settings(tmp_path / "app", tmp_path / "out.toml")
    assert tomllib.loads((tmp_path / "out.toml").read_text()) == {
        "constraint-dependencies": ["idna<4"],
        "index": [{"url": "https://pypi.acme.io/simple"}],
    }


def test_version_of_uv_that_a_project_requires_is_about_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    (tmp_path / "requirements.in").write_text("")
    assert Uv(tmp_path, os.environ, tmp_path / "cache").run("pip", "compile", "--offline", "--quiet", "requirements.in")


def test_folders_are_those_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "uv.toml").write_text(
        'find-links = ["./wheels", "https://acme.io/x"]\nindex = [{ name = "wheels", url = "wheels" }]\n'
    )
    write_settings(tmp_path, tmp_path / "out.toml")
    folder = str((tmp_path / "wheels").resolve())
    assert tomllib.loads((tmp_path / "out.toml").read_text()) == {
        "find-links": [folder, "https://acme.io/x"],
        "index": [{"name": "wheels", "url": folder}],
    }
