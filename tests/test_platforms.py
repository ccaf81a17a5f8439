"""What differs on Windows and macOS, as far as that can be tried on Linux (docs/reference/platforms.md)."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from lambent import interpreters
from lambent.cli.main import cli
from lambent.package.project_files import collect
from lambent.package.urls import local_path
from support.locking import write
from support.moto_server import endpoint
from support.paths import SOURCE, TESTS
from support.without_unix import FLAGS, FUNCTIONS, MODULES, SIGNALS

__all__ = ["endpoint"]

FLASK = "from flask import Flask\r\n\r\napp = Flask(__name__)\r\n"
UNIX_PARTS = ("local/", "runtime/", "package/wheels/native/")
"""Parts that Windows doesn't use: the local Lambda, what runs on AWS, and the C compiler for Amazon Linux."""


def without_unix(*arguments: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "PYTHONWARNINGS": "ignore", **environ}
    command = [sys.executable, "-m", "support.without_unix", *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done


def test_no_command_needs_a_module_of_unix_to_be_imported() -> None:
    without_unix("--import-commands")


def test_build_and_plan_need_nothing_of_unix(endpoint: str, tmp_path: Path) -> None:
    app = write(tmp_path / "shop", {"app.py": FLASK, "requirements.txt": "flask\r\n", ".gitignore": "notes/\r\n*.log\r\n"})
    write(app, {"notes/private.txt": "x", "x.log": "x"})
    cache = ("--cache-dir", tmp_path / "cache")
    archive = zipfile.ZipFile(without_unix("build", app, "--quiet", *cache).stdout.strip())
    names = archive.namelist()
    assert {"app.py", "flask/app.py"} <= set(names) and not {"x.log", "notes/private.txt"} & set(names)
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": endpoint}
    planned = without_unix("plan", app, "--region", "eu-west-1", *cache, **keys)
    assert "+ function shop" in planned.stdout + planned.stderr
    listed = without_unix("status", "--all", "--region", "eu-west-1", **keys)
    assert "no apps" in listed.stdout + listed.stderr


def names_of_unix(path: Path) -> set[str]:
    """Return what a file uses of `os`, `signal` and modules that only Unix has."""
    used = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            used |= MODULES & {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            used |= MODULES & {node.module}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("os", "signal"):
            used |= {*FUNCTIONS, *FLAGS, *SIGNALS} & {node.attr}
    return used


def test_only_parts_that_windows_does_not_use_are_written_for_unix() -> None:
    files = {path.relative_to(SOURCE).as_posix(): path for path in SOURCE.rglob("*.py")}
    used = {name: names_of_unix(path) for name, path in files.items() if not name.startswith(UNIX_PARTS)}
    assert {name: names for name, names in used.items() if names} == {
        "private_folder.py": {"geteuid"},  # after is_windows()
        "library/version_description.py": {"getuid"},  # after hasattr()
    }


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("interpreters", "local.daemon", "library.smoke_test", "package.project_files", "package.urls"):
        monkeypatch.setattr(f"lambent.{module}.is_windows", lambda: True)


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize(
    "arguments",
    [["deploy", "--local"], ["plan", "--local"], ["status", "--local"], ["dev"], ["local", "start"], ["local", "status"]],
    ids=" ".join,
)
def test_the_local_lambda_of_windows_is_wsl(arguments: list[str], tmp_path: Path) -> None:
    app = write(tmp_path / "app", {"app.py": FLASK})
    path = [] if arguments[0] == "local" else [str(app)]
    result = CliRunner().invoke(cli, [*arguments, *path, "--state", str(tmp_path / "state")])
    assert result.exit_code == 1
    assert str(result.exception) == "the local Lambda doesn't run on Windows"
    assert result.exception.hint == "run the same command in WSL (wsl --install), or deploy to AWS, without --local"  # type: ignore[union-attr]


@pytest.mark.parametrize(("system", "hint"), [("windows", "run the same command in WSL"), ("macos", "lambent deploy --local")])
def test_what_is_uploaded_is_not_started_elsewhere(
    system: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"lambent.library.smoke_test.is_{system}", lambda: True)
    app = write(tmp_path / "app", {"app.py": "raise SystemExit('started')\napp = lambda environ, start: []\n"})
    result = CliRunner().invoke(cli, ["build", str(app), "--app", "app:app", "--prove", "--cache-dir", str(tmp_path / "cache")])
    assert result.exit_code == 0, result.output
    assert f"the app was not started on this machine: its packages are Amazon Linux's  (try {hint}" in result.stderr


@pytest.mark.usefixtures("windows")
def test_report_says_that_there_is_no_local_lambda(tmp_path: Path) -> None:
    app = write(tmp_path / "app", {"app.py": FLASK})
    result = CliRunner().invoke(cli, ["report", str(app), "--state", str(tmp_path / "state")])
    assert result.exit_code == 0
    assert "local Lambda  the local Lambda doesn't run on Windows\n" in result.stdout


@pytest.mark.usefixtures("windows")
def test_scripts_are_executable_by_their_first_line(tmp_path: Path) -> None:
    app = write(tmp_path / "app", {"run.sh": "#!/bin/sh\n", "app.py": FLASK, "empty": ""})
    executable = {name: file.executable for name, file in collect(app).files.items()}
    assert executable == {"run.sh": True, "app.py": False, "empty": False}


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///C:/Users/Ada%20L/x.whl", "C:/Users/Ada L/x.whl"),
        ("file:///c:/x", "c:/x"),
        ("file://server/share/x.whl", "//server/share/x.whl"),
    ],
)
def test_a_file_url_may_have_a_drive(url: str, path: str) -> None:
    assert local_path(url).as_posix() == path


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize(
    "installed",
    [
        "Roaming/uv/python/cpython-3.13.1-windows-x86_64-none/python.exe",
        "home/.pyenv/pyenv-win/versions/3.13.1/python.exe",
        "Local/Programs/Python/Python313/python.exe",
    ],
)
def test_pythons_of_windows_are_found(installed: str, tmp_path: Path) -> None:
    path = tmp_path / installed
    path.parent.mkdir(parents=True)
    path.write_bytes(b"MZ\x90\x00")
    path.chmod(0o755)
    folders = {"APPDATA": "Roaming", "LOCALAPPDATA": "Local", "USERPROFILE": "home"}
    found = interpreters.find("3.13", {name: str(tmp_path / folder) for name, folder in folders.items()})
    assert found is not None and found.path == path
