"""What is said about static files that can't be collected, or that are kept elsewhere."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from msgspec.structs import replace

from lambent.events import Event, Warned
from lambent.package import collect_static, django_inspection
from lambent.package.layout import SourceFile
from support.configs import load_config
from support.detection import FLASK, write_project

REPORT: dict[str, Any] = {"debug": False, "allows": True, "unmigrated": [], "settings": "site1/settings.py"}


def test_files_that_a_storage_keeps_elsewhere_are_not_collected() -> None:
    said: list[Event] = []
    context: Any = SimpleNamespace(emit=said.append)
    assert collect_static._serve_static(context, REPORT | {"elsewhere": "S3Storage"}, 0) is context
    [notice] = said
    assert "since S3Storage keeps static files elsewhere: python manage.py collectstatic" in str(notice)


def test_settings_without_static_files_are_not_collected() -> None:
    settings = SimpleNamespace(INSTALLED_APPS=["django.contrib.staticfiles"], STATIC_URL=None, STATIC_ROOT=None)
    assert django_inspection._collect(settings, "/copy") == {}


def test_settings_that_fail_everywhere_get_no_advice_about_collectstatic(tmp_path: Path) -> None:
    config = load_config(write_project(tmp_path / "shop", {"main.py": FLASK}))
    [warning] = collect_static._warnings(config, REPORT | {"error": "NameError: name 'env' is not defined"})
    assert warning.hint == "fix that first: the app can't start either"
    [warning] = collect_static._warnings(config, REPORT | {"error": "KeyError: 'database'", "starts": False})
    assert warning.hint == "fix that first: the app can't start either"


def test_file_that_a_stylesheet_names_and_that_is_missing(tmp_path: Path) -> None:
    config = load_config(write_project(tmp_path / "shop", {"main.py": FLASK}))
    error = "ValueError: The file 'img/gone.svg' could not be found with <ManifestStaticFilesStorage object>."
    [warning] = collect_static._warnings(config, REPORT | {"error": error})
    assert warning.hint.startswith("add img/gone.svg to the static files")


def test_hosts_are_added_unless_a_variable_decides_them(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "shop", {"main.py": FLASK})
    refused = REPORT | {"allows": False, "variable": "APP_HOST"}
    assert collect_static._missing_hosts(load_config(folder), refused) == (".on.aws", ".localhost")
    assert collect_static._missing_hosts(load_config(folder, env=("APP_HOST=shop.example",)), refused) == ()
    assert collect_static._missing_hosts(load_config(folder), REPORT | {"variable": ""}) == ()


def test_only_a_missing_file_of_the_project_becomes_a_database(tmp_path: Path) -> None:
    (tmp_path / "here.db").touch()
    names = ("db.sqlite3", "here.db", ":memory:", "file:shared?mode=memory&cache=shared", "../above.db")
    missing = [name for name in names if django_inspection._is_missing_file(str(tmp_path / name), str(tmp_path))]
    assert missing == ["db.sqlite3"]


def test_a_static_file_above_the_size_of_a_response_is_named(tmp_path: Path) -> None:
    write_project(
        tmp_path,
        {"main.py": FLASK, "pyproject.toml": '[tool.lambent]\nstatic = { "/" = "dist" }\n', "dist/index.html": "hello"},
    )
    (tmp_path / "dist" / "film.mp4").write_bytes(bytes(5_000_000))
    files = {name: SourceFile(tmp_path / name) for name in ("dist/index.html", "dist/film.mp4")}
    events: list[Event] = []
    for stream in (False, True):
        config = replace(load_config(tmp_path), stream=stream)
        collect_static.check_static_folders(SimpleNamespace(config=config, emit=events.append), files)  # type: ignore[arg-type]
    text = "dist/film.mp4 is too large to be served, 5.0 MB: a response holds 6 MB, about 4.5 MB of binary data"
    assert events == [Warned(text, "--stream, whose limit is 200 MB")]
