"""`datasette publish lambda` and `lambent deploy data.db`: a Datasette with plugins answers, and the options reach it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lambent.cli.datasette_publish import local_port, read_extra_options
from lambent.errors import UsageError
from support.forked import commands
from support.local_service import Service
from support.paths import ROOT

PROGRAMS = Path(sys.executable).parent
PLUGIN = """\
from datasette import hookimpl

@hookimpl
def prepare_connection(conn):
    conn.create_function("shout", 1, lambda text: text.upper())
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return Path(shutil.copy(ROOT / "examples/datasette/fixtures.db", tmp_path / "data.db"))


def run(folder: Path, service: Service, *command: str | Path) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMBENT_", "DATASETTE_"))}
    variables |= {"LAMBENT_STATE": str(service.state)}
    return subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL
    )


def get_json(service: Service, url: str) -> Any:
    return json.loads(service.fetch(url).body)


def test_deploy_with_two_plugins(database: Path, tmp_path: Path, service: Service) -> None:
    (tmp_path / "m.yml").write_text("title: Sky\n")
    shutil.copy(database, tmp_path / "more.db")
    options = ("--metadata", "m.yml", "--install", "datasette-vega", "--install", "datasette-cluster-map")
    deployed = run(tmp_path, service, commands() / "lambent", "deploy", "--local", "data.db", "more.db", *options)
    assert deployed.returncode == 0, deployed.stderr
    url = deployed.stdout.strip()
    databases = get_json(service, f"{url}-/databases.json")
    assert [(each["name"], each["is_mutable"]) for each in databases] == [("data", False), ("more", False)]
    plugins = {each["name"] for each in get_json(service, f"{url}-/plugins.json")}
    assert {"datasette-vega", "datasette-cluster-map"} <= plugins
    assert get_json(service, f"{url}-/metadata.json") == {"title": "Sky"}
    assert get_json(service, f"{url}data/moons.json?_shape=array&_size=1")[0]["name"] == "Moon"
    again = run(tmp_path, service, commands() / "lambent", "deploy", "--local", "data.db", "more.db", *options)
    assert "unchanged: version 1 is live" in again.stderr, again.stderr
    status = run(tmp_path, service, commands() / "lambent", "status", "data.db", "--local", "--json")
    assert json.loads(status.stdout)["url"] == url


def test_publish_with_the_options_of_other_publishers(database: Path, tmp_path: Path, service: Service) -> None:
    for folder, name, text in (("plugins", "shout.py", PLUGIN), ("static", "a.css", "body {}")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
    published = run(
        *(tmp_path, service, PROGRAMS / "datasette", "publish", "lambda", "data.db", "--local", "--name", "published"),
        *("--plugins-dir", "plugins", "--static", "files:static", "--title", "Typed", "--version-note", "noted"),
        *("--plugin-secret", "some-plugin", "client_id", "xyz", "--secret", "signed"),
        *("--extra-options", "--setting sql_time_limit_ms 2000 --cors"),
    )
    assert published.returncode == 0, published.stderr
    url = published.stdout.strip()
    assert get_json(service, f"{url}-/metadata.json") == {
        "title": "Typed",
        "plugins": {"some-plugin": {"client_id": {"$env": "SOME_PLUGIN_CLIENT_ID"}}},
    }
    assert get_json(service, f"{url}-/settings.json")["sql_time_limit_ms"] == 2000
    assert get_json(service, f"{url}-/versions.json")["datasette"]["note"] == "noted"
    assert get_json(service, f"{url}data.json?sql=select+shout('a')&_shape=arrayfirst") == ["A"]
    assert service.fetch(f"{url}files/a.css").body == b"body {}"
    function = service.client("lambda").get_function_configuration(FunctionName="published", Qualifier="live")
    variables = function["Environment"]["Variables"]
    assert (variables["SOME_PLUGIN_CLIENT_ID"], variables["DATASETTE_SECRET"]) == ("xyz", "signed")


def test_publish_shows_its_files_and_errors(database: Path, tmp_path: Path, service: Service) -> None:
    shown = run(tmp_path, service, PROGRAMS / "datasette", "publish", "lambda", "data.db", "--branch", "main", "--show-files")
    assert "datasette @ https://github.com/simonw/datasette/archive/main.zip" in shown.stdout and "=== " in shown.stdout
    refused = run(
        tmp_path, service, PROGRAMS / "datasette", "publish", "lambda", "data.db", "--extra-options", "--load-extension x"
    )
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "error: Lambda has no use for this option of datasette serve: --load-extension" in refused.stderr
    assert "Traceback" not in refused.stderr
    nothing = run(tmp_path, service, PROGRAMS / "datasette", "publish", "lambda")
    assert nothing.returncode == 2 and "there is no database to publish" in nothing.stderr


def test_dev_names_what_to_run_instead(database: Path, tmp_path: Path, service: Service) -> None:
    refused = run(tmp_path, service, commands() / "lambent", "dev", "data.db")
    assert refused.returncode == 2 and "lambent deploy --local data.db" in refused.stderr


@pytest.mark.parametrize(
    ("text", "settings", "crossdb"),
    [
        ("", {}, False),
        ("--setting a on --setting b off --crossdb", {"a": True, "b": False}, True),
        ("--setting base_url '/x y/' --setting n -1", {"base_url": "/x y/", "n": -1}, False),
        ("--setting a ² --setting b --5", {"a": "²", "b": "--5"}, False),
    ],
)
def test_extra_options(text: str, settings: dict[str, Any], crossdb: bool) -> None:
    assert read_extra_options(text) == (settings, crossdb)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--cors --reload", "--reload"),
        ("--setting a", "--setting needs a name and a value"),
        ("--setting a 'b", "No closing quotation in --setting a 'b"),
    ],
)
def test_other_extra_options_are_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_extra_options(text)


def test_the_port_is_checked_as_in_other_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBENT_PORT", "4x")
    with pytest.raises(UsageError, match="LAMBENT_PORT must be between 0 and 65535, got 4x"):
        local_port()
