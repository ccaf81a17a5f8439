"""Folders that Datasette serves: what they hold becomes the options of a database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lambent import events
from lambent.config.load import Flags
from lambent.library.app_source import AppSource
from lambent.library.datasette_folder import read_datasette_folder

REQUIREMENTS = "datasette==0.65.1\n-r more.txt\ndatasette-cluster-map  # a map\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "plants"
    for name in ("plugins", "templates", "static", "data"):
        (folder / name).mkdir(parents=True)
    (folder / "plugins/links.py").write_text("from datasette import hookimpl\n")
    (folder / "metadata.json").write_text("{}")
    (folder / "requirements.txt").write_text(REQUIREMENTS)
    (folder / "notes.db").write_text("no database")
    for name in ("trees.db", "data/ferns.sqlite"):
        with closing(sqlite3.connect(folder / name)) as connection:
            connection.execute("create table t (id integer)")
    return folder


def test_what_a_folder_has_for_datasette(folder: Path) -> None:
    served = read_datasette_folder(folder)
    assert served is not None
    options = served.options
    assert (served.database.name, [path.name for path in options.databases]) == ("trees.db", ["ferns.sqlite"])
    assert options.install == ("datasette==0.65.1", "datasette-cluster-map")
    assert options.static == (("static", folder / "static"),)
    assert (options.metadata, options.plugins_dir, options.template_dir) == tuple(
        folder / name for name in ("metadata.json", "plugins", "templates")
    )


def test_folder_is_deployed_under_its_own_name(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(folder)
    seen: list[events.Event] = []
    config = AppSource(Path(), Flags()).load(tmp_path / "cache", seen.append)
    assert (config.name, config.origins["name"], config.app.spec) == ("plants", "plants", "app:app")
    assert events.Notice("the folder is for Datasette, which serves trees.db, ferns.sqlite") in seen


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("requirements.txt", "flask\n"),
        ("app.py", "def lambda_handler(event, context): ...\n"),
        ("app.py", "import flask\nif __name__ == '__main__':\n    app = flask.Flask(__name__)\n    app.run()\n"),
        ("app.py", "import flask\na, b = flask.Flask('a'), flask.Flask('b')\nx = flask.Flask('x')\ny = flask.Flask('y')\n"),
        ("app.py", "import flask\napp = flask.Flask(__name__\n"),
        ("pyproject.toml", "[tool.lambent]\nmemory = 512\n"),
    ],
)
def test_other_folders_with_a_database(folder: Path, file: str, text: str) -> None:
    (folder / file).write_text(text)
    assert read_datasette_folder(folder) is None
