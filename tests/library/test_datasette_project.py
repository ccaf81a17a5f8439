"""Databases in place of an app: the project that serves them, and that it says of them what Datasette itself says."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from lambent import events
from lambent.config.databases import is_database
from lambent.config.load import Flags
from lambent.config.project import find_project
from lambent.errors import PackagingError, UsageError
from lambent.library import datasette_project
from lambent.library.app_source import AppSource, Builder
from lambent.library.datasette_options import DatasetteOptions
from lambent.library.datasette_project import DatasetteProject, inspect, write_project
from lambent.package import pruning
from lambent.package.build_context import BuildOptions


def make_database(path: Path, rows: int = 3) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute('create table "odd ""name" (id integer primary key)')
        connection.executemany('insert into "odd ""name" values (?)', [(number,) for number in range(rows)])
        connection.execute("create virtual table notes using fts5(text)")
        connection.execute("insert into notes values ('hello')")
        connection.execute("create view v as select 1")
    return path


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return make_database(tmp_path / "data.db")


def write(database: Path, cache: Path, **options: Any) -> DatasetteProject:
    return write_project(database, DatasetteOptions(**options), cache, events.ignore)


def options_of(project: DatasetteProject) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((project.folder / "options.json").read_text())
    return content


def test_inspect_says_what_datasette_says(database: Path) -> None:
    command = [sys.executable, "-m", "datasette", "inspect", database.name]
    ended = subprocess.run(command, cwd=database.parent, capture_output=True, text=True, check=True)
    assert {"data": inspect(database)} == json.loads(ended.stdout)


def test_the_project(database: Path, tmp_path: Path) -> None:
    (tmp_path / "meta.yaml").write_text("title: Hello\n")
    for folder in ("own-plugins", "own-templates", "images"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file.txt").write_text(folder)
    second = make_database(tmp_path / "more.sqlite", 5)
    project = write(
        database,
        tmp_path / "cache",
        databases=(second,),
        metadata=tmp_path / "meta.yaml",
        install=("datasette-vega==0.6.2",),
        plugins_dir=tmp_path / "own-plugins",
        template_dir=tmp_path / "own-templates",
        static=(("pictures", tmp_path / "images"),),
    )
    content = options_of(project)
    assert not project.overflow
    assert content["databases"] == ["data.db", "more.sqlite"]
    assert content["inspect_data"]["more"]["tables"]['odd "name'] == {"count": 5}
    assert content["metadata_file"] == "metadata.yaml" and content["static"] == {"pictures": "static-0"}
    assert (project.folder / "requirements.txt").read_text() == "datasette>=0.64\ndatasette-vega==0.6.2\n"
    packed = {path.relative_to(project.folder).as_posix() for path in project.folder.rglob("*") if path.is_file()}
    assert {"plugins/file.txt", "templates/file.txt", "static-0/file.txt", "app.py", "data.db", "metadata.yaml"} < packed


def test_nothing_of_an_earlier_project_stays(database: Path, tmp_path: Path) -> None:
    plugin = tmp_path / "own-plugins/one.py"
    plugin.parent.mkdir()
    plugin.touch()
    first_project = write(database, tmp_path / "cache", plugins_dir=plugin.parent)
    assert (first_project.folder / "plugins/one.py").exists()
    plugin.unlink()
    again = write(database, tmp_path / "cache", plugins_dir=plugin.parent)
    assert again == first_project and not (again.folder / "plugins/one.py").exists()
    assert list(again.folder.parent.iterdir()) == [again.folder]


def test_other_options_do_not_change_the_project_of_another_deploy(database: Path, tmp_path: Path) -> None:
    plain = write(database, tmp_path / "cache")
    assert write(database, tmp_path / "cache", install=("datasette-vega",)) != plain
    assert (plain.folder / "requirements.txt").read_text() == "datasette>=0.64\n"
    assert plain.folder.parent in {item.path for item in pruning.items(tmp_path / "cache")}, "so lambent cache removes it"


def test_an_own_version_of_datasette(database: Path, tmp_path: Path) -> None:
    lines = ("datasette @ https://example.com/main.zip", "datasette-vega")
    project = write(database, tmp_path / "cache", install=lines)
    assert (project.folder / "requirements.txt").read_text().splitlines() == list(lines)
    project = write(database, tmp_path / "cache", install=("datasette==0.64.8",))
    assert (project.folder / "requirements.txt").read_text() == "datasette==0.64.8\n"


def test_what_is_in_the_write_ahead_log_is_included(tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table t (id)")
        connection.execute("insert into t values (1)")
        connection.commit()
        project = write(path, tmp_path / "cache")
    assert options_of(project)["inspect_data"]["live"]["tables"] == {"t": {"count": 1}}
    assert not (project.folder / "live.db-wal").exists()


def test_databases_that_do_not_fit_become_packages(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasette_project, "UNZIPPED_MAX", 1)
    monkeypatch.setattr(datasette_project, "_OWN_MAX", 1)
    said: list[events.Event] = []
    project = write_project(database, DatasetteOptions(), tmp_path / "cache", said.append)
    assert project.overflow and not (project.folder / "data.db").exists()
    assert isinstance(said[0], events.Notice) and "don't fit into a zip" in said[0].text
    requirement = (project.folder / "requirements.txt").read_text().splitlines()[1]
    name, _, address = requirement.partition(" @ file://")
    wheel = Path(address.replace("%2B", "+"))
    assert name == "database-data" and wheel.parent == project.folder.parent
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("data.db") == database.read_bytes()
    make_database(tmp_path / "new.db", 9).replace(database)
    write_project(database, DatasetteOptions(), tmp_path / "cache", events.ignore)
    assert len(list(wheel.parent.glob("*.whl"))) == 1 and not wheel.exists()


def test_large_databases_are_packages_of_different_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasette_project, "_OWN_MAX", 1)
    first, *others = (make_database(tmp_path / f"{name}.db") for name in ("猫", "犬", "a b", "a-b", "a_b", "A-B"))
    os.utime(first, (0, 0))  # earlier than a zip can say
    project = write(first, tmp_path / "cache", databases=tuple(others))
    lines = (project.folder / "requirements.txt").read_text().splitlines()[1:]
    assert len({canonicalize_name(line.partition(" @ ")[0]) for line in lines}) == len(lines) == 6
    assert len(list(project.folder.parent.glob("*.whl"))) == 6


def test_a_database_that_another_process_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "live.db"
    connect = sqlite3.connect
    with closing(connect(path)) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table t (id)")
        connection.execute("pragma locking_mode = exclusive")
        connection.execute("insert into t values (1)")
        connection.commit()
        monkeypatch.setattr(sqlite3, "connect", lambda *arguments, **options: connect(*arguments, timeout=0, **options))
        with pytest.raises(UsageError, match=r"live\.db can't be read: database is locked"):
            write(path, tmp_path / "cache")


@pytest.mark.parametrize("name", ["datasette.db", "猫.db"])
def test_any_name_of_a_database_will_do(database: Path, tmp_path: Path, name: str) -> None:
    config = AppSource(database.rename(tmp_path / name), Flags(name="shop")).load(tmp_path / "cache", events.ignore)
    assert (config.name, config.app.spec) == ("shop", "app:app")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"databases": ("folder/data.sqlite",)}, "two databases would both be data in Datasette"),
        ({"metadata": "broken.json"}, "broken.json is not valid JSON"),
    ],
)
def test_what_datasette_could_not_serve(
    database: Path, tmp_path: Path, options: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    make_database(tmp_path / "folder/data.sqlite")
    (tmp_path / "broken.json").write_text("{")
    values = {name: tuple(map(Path, value)) if isinstance(value, tuple) else Path(value) for name, value in options.items()}
    with pytest.raises(UsageError, match=message):
        write(database, tmp_path / "cache", **values)


def test_a_damaged_database(database: Path, tmp_path: Path) -> None:
    database.write_bytes(database.read_bytes()[:100] + b"\xff" * 5000)
    with pytest.raises(UsageError, match=r"data\.db can't be read"):
        write(database, tmp_path / "cache")


def test_which_files_are_databases(database: Path, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("hello")
    (tmp_path / "app.py").write_text("")
    unusual = database.rename(tmp_path / "data.geo")
    assert is_database(unusual) and not is_database(tmp_path) and not is_database(tmp_path / "app.py")
    with pytest.raises(UsageError, match=r"text\.db is not a SQLite database"):
        is_database(tmp_path / "text.db")
    assert find_project(unusual).path == unusual


def test_the_configuration_is_that_of_the_database(database: Path, tmp_path: Path) -> None:
    config = AppSource(database, Flags(stage=None, memory=512)).load(tmp_path / "cache", events.ignore)
    assert (config.name, config.origins["name"], config.memory_mb) == ("data", "data.db", 512)
    assert (config.app.spec, config.app.kind) == ("app:app", "asgi")
    assert all(identity.rpartition("@")[0].endswith("data.db") for identity in config.identities)
    link = tmp_path / "latest.db"
    link.symlink_to(database)
    latest = AppSource(link, Flags()).load(tmp_path / "cache", events.ignore)
    assert latest.name == "latest" and (latest.path / "latest.db").is_file()
    with pytest.raises(UsageError, match="is not a SQLite database, so Datasette can't serve it"):
        AppSource(tmp_path, Flags(), DatasetteOptions(install=("x",))).load(tmp_path / "cache", events.ignore)


def test_errors_name_the_option_of_a_plugin(database: Path, tmp_path: Path) -> None:
    builder = Builder(tmp_path / "cache", BuildOptions())
    config = AppSource(database, Flags(), DatasetteOptions(install=("datasette-vega=",))).load(builder.cache, events.ignore)
    with pytest.raises(PackagingError) as raised:
        builder.choose_runtime(config, events.ignore)
    assert raised.value.where == "--install"
