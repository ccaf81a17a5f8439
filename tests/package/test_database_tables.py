"""The SQLite database that an app lacks, made by the app's own command, program, function or models."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import flask
import pytest
from msgspec.structs import replace

import lambent.runtime
from lambent import interpreters
from lambent.config.model import App, Config
from lambent.events import Event, Notice
from lambent.package import table_maker
from lambent.package.build_context import BuildContext
from lambent.package.database_tables import NoTablesError, make_tables
from lambent.package.layout import SourceFile
from support.locking import write

PYTHON = f"3.{sys.version_info[1]}"
APP = "def app(environ, start_response): pass\n"
INIT = """
import sqlite3, time
database = sqlite3.connect({path!r})
database.execute("CREATE TABLE post (id INTEGER)")
database.executemany("INSERT INTO post VALUES (?)", [(1,), (2,)])
database.execute("DELETE FROM post WHERE id = 1")
database.commit()
"""
FLASK = """
import sqlite3
from flask import Flask

def create_app():
    app = Flask(__name__)

    def execute(*statements):
        with app.app_context(), sqlite3.connect("shop.db") as database:
            for statement in statements:
                database.execute(statement)

    @app.cli.command("reset-db")
    def reset():
        execute("CREATE TABLE item (reset)")

    @app.cli.command()
    def init_db():
        execute("DROP TABLE IF EXISTS item", "CREATE TABLE item (id)")

    return app
"""
PROGRAM = """
import os, sqlite3
from flask import Flask
app = Flask(__name__)
if __name__ != "__main__":
    sqlite3.connect("shop.db").execute("PRAGMA journal_mode")  # makes an empty file

def prepare():
    with sqlite3.connect("shop.db") as database:
        database.execute("CREATE TABLE IF NOT EXISTS item (id)")

if __name__ == "__main__" and not os.path.exists("shop.db"):
    prepare()
    app.run(debug=True)
"""

SCHEMA = "CREATE TABLE item (id);"
OPENS = """
import sqlite3
from flask import Flask
app = Flask(__name__)

@app.get("/")
def home():
    return sqlite3.connect("shop.db").execute("SELECT * FROM item").fetchall()
"""


class Project:
    """A project without packages, and its builds."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.events = folder, list[Event]()
        config = Config(folder / "app", "shop", App("app", "app", "wsgi"), f"python{PYTHON}", missing_table="post")
        self.context = BuildContext.start(config, folder / "cache", {}, self.events.append, None)

    def make(self, cache: str = "cache") -> dict[str, bytes]:
        context = replace(self.context, cache=self.folder / cache)
        files = {path.name: SourceFile(path) for path in (self.folder / "app").glob("*.*")}
        made = make_tables(context, (), files, interpreters.find(PYTHON, os.environ))[1]
        return {name: file.read() for name, file in made.items() if name not in files}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    write(tmp_path / "app", {"app.py": APP, "init_db.py": INIT.format(path="post.db")})
    return Project(tmp_path)


def test_the_projects_program_makes_the_database_with_the_same_bytes_each_time(project: Project, tmp_path: Path) -> None:
    made = project.make()
    assert list(made) == ["post.db"] and project.make() == made == project.make("other")
    line = "python init_db.py: made post.db, since the database has no table post; what the app writes to it is lost when an"
    assert project.events[0] == Notice(f"{line} environment ends")
    assert not (tmp_path / "app/post.db").exists()
    (tmp_path / "post.db").write_bytes(made["post.db"])
    with closing(sqlite3.connect(tmp_path / "post.db")) as database:
        assert database.execute("SELECT id FROM post").fetchall() == [(2,)]


def test_a_database_outside_of_the_project_is_not_touched(project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside.db"
    write(tmp_path / "app", {"init_db.py": INIT.format(path=str(outside))})
    with pytest.raises(NoTablesError, match=r"can't make the table post: python init_db.py: .*outside of the project"):
        project.make()
    assert not outside.exists()


def test_no_file_of_ours_is_above_the_program(project: Project, tmp_path: Path) -> None:
    start = "import inspect, pathlib\nfor folder in pathlib.Path(inspect.stack()[-1].filename).parents:\n"
    check = f"{start}    assert not (folder / 'config/settings.py').exists(), folder\n"  # where dynaconf looks for the app's
    write(tmp_path / "app", {"init_db.py": check + INIT.format(path="post.db")})
    assert list(project.make()) == ["post.db"]


def test_a_database_of_the_project_stays_as_it_is(project: Project, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "app/post.db")) as database:
        database.execute("CREATE TABLE other (id)")
    with pytest.raises(NoTablesError, match="makes no such table"):
        project.make()


@pytest.mark.parametrize(
    ("source", "handler", "way"),
    [
        (FLASK, "shop.create_app()", "flask init-db"),
        (PROGRAM, "shop.app", "python shop.py"),
        (PROGRAM.replace("prepare", "init_db").partition("if __name__ ==")[0], "shop.app", "shop.init_db()"),
        (OPENS, "shop.app", "sqlite3 shop.db < db/schema.sql"),
    ],
)
def test_what_the_app_has_for_it_makes_the_tables(source: str, handler: str, way: str, tmp_path: Path) -> None:
    copy, result = tmp_path / "project", tmp_path / "result.json"
    write(copy, {"shop.py": source, "db/schema.sql": SCHEMA})
    shutil.copytree(Path(lambent.runtime.__file__).parent, copy / "lambent_runtime")
    packages = str(Path(flask.__file__).parent.parent)
    command = [sys.executable, "-I", table_maker.__file__, str(copy), packages, str(result), handler, "item"]
    subprocess.run(command, check=True, timeout=60)
    expected = {"table": "item", "way": way, "modules": ["shop.py"], "databases": ["shop.db"]}
    assert json.loads(result.read_text()) == expected
    with closing(sqlite3.connect(copy / "shop.db")) as database:
        assert "id" in str(database.execute("SELECT sql FROM sqlite_master").fetchall())
