"""Variables that a call hands on: the defaults of its parameters, and the settings that Flask takes from a file or keywords."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from lambent.config.variables.unset import find_unset
from support.configs import load_config
from support.detection import FLASK, write_project


def needed(folder: Path, text: str, files: Mapping[str, str] | None = None) -> list[str]:
    """Return the variables that every start of an app with this main.py needs."""
    project = write_project(folder / "shop", {"main.py": text, **(files or {})})
    return [read.name for read in find_unset(load_config(project, app="main:app")) if read.fails == "start"]


@pytest.mark.parametrize(
    "lines",
    [
        "def create_app(file='settings.cfg'):\n    app.config.from_pyfile(file)\ncreate_app()\n",
        "def create_app(*, file='settings.cfg'):\n    app.config.from_pyfile(file)\ncreate_app()\n",
        "import os\napp.config.from_mapping(SQLALCHEMY_DATABASE_URI=os.environ.get('URL'))\n",
    ],
)
def test_database_of_flask_that_a_file_or_a_mapping_has_is_needed(tmp_path: Path, lines: str) -> None:
    settings = "import os\nSQLALCHEMY_DATABASE_URI = os.environ.get('URL')\n"
    assert needed(tmp_path, f"{FLASK}{lines}", {"settings.cfg": settings}) == ["URL"]


def test_parameter_that_a_call_gives_replaces_its_default(tmp_path: Path) -> None:
    text = f"{FLASK}import os\ndef connect(key=os.getenv('KEY')): return key.upper()\nconnect('x')\n"
    assert needed(tmp_path, text) == []
    assert needed(tmp_path, text.replace("'x'", "")) == ["KEY"]


def test_database_url_that_a_start_parses_is_needed(tmp_path: Path) -> None:
    text = f"{FLASK}import os\nimport dj_database_url\nurl = os.environ.get('DATABASE_URL')\n"
    assert needed(tmp_path, f"{text}DATABASE = dj_database_url.parse(url)\n") == ["DATABASE_URL"]
    assert needed(tmp_path, f"{text}if url:\n    DATABASE = dj_database_url.parse(url)\n") == []
