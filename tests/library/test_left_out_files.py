"""Files that the app needs and git ignores: the error names the line that packs them, and the line works."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from lambent import events
from lambent.config.load import Flags, load
from lambent.errors import FunctionFailedError
from lambent.library.left_out_files import explain
from lambent.package.build import build
from support.local_service import RUNTIME
from support.paths import CACHE

APP = "def app(environ, start_response): ...\n"
CASES = {
    "dist": ("dist/index.html", "dist/", "FileNotFoundError: [Errno 2] No such file or directory: 'dist/index.html'"),
    "absolute": (
        "data/names.csv",
        "data/",
        "FileNotFoundError: [Errno 2] No such file or directory: '/var/task/data/names.csv'",
    ),
    "starlette": ("build/app.js", "build/", "RuntimeError: Directory 'build' does not exist"),
    "jinja": ("templates/made/a.html", "templates/made/", "jinja2.exceptions.TemplateNotFound: made/a.html"),
    "template folder": ("build/spa/a.html", "build/", "jinja2.exceptions.TemplateNotFound: a.html"),
    "database": ("shop.sqlite3", "shop.sqlite3", "sqlite3.OperationalError: no such table: items"),
    "no database": ("data/shop.db", "data/", "sqlite3.OperationalError: unable to open database file"),
    "module": ("shop/local.py", "shop/local.py", "ModuleNotFoundError: No module named 'shop.local'"),
    "own message": ("dist/index.html", "dist/", "Exception: DIST_DIR not found: /var/task/dist"),
    "own sentence": ("model.bin", "model.bin", "RuntimeError: /tmp/app/model.bin does not exist, train it first"),
    "one file": ("model.bin", "model.bin", "[Errno 2] No such file or directory: 'model.bin'"),
}


def fail(folder: Path, message: str) -> tuple[FunctionFailedError, set[str]]:
    config = load(folder, Flags(app="main:app", runtime=RUNTIME), {}, date.today())
    artifact = build(config, CACHE / "build", os.environ, events.ignore)
    error = FunctionFailedError("the function failed", hint="fix the error", detail=message)
    explain(error, config, artifact)
    return error, {entry.name for entry in artifact.entries}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(APP)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/home.html").write_text("home")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/__init__.py").write_text("")
    (tmp_path / ".gitignore").write_text("local.py\ndist/\n/data/\nbuild\ntemplates/made/\n*.sqlite3\n*.bin\n")
    return tmp_path


@pytest.mark.parametrize("case", CASES)
def test_the_line_that_packs_an_ignored_file(folder: Path, case: str) -> None:
    name, pattern, message = CASES[case]
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("x")
    error, packed = fail(folder, message)
    line, _, place = error.hint.partition(" under ")
    assert line == f'include = ["{pattern}"]' and place == "[tool.lambent] in pyproject.toml" and name not in packed
    (folder / "pyproject.toml").write_text(f"[tool.lambent]\n{line}\n")
    assert name in fail(folder, "another error")[1]


def test_an_ignored_file_that_does_not_exist_here_must_be_made_first(folder: Path) -> None:
    error, _ = fail(folder, CASES["dist"][2])
    assert "create dist/index.html" in error.hint and 'include = ["dist/"]' in error.hint


@pytest.mark.parametrize("path", ["nothing.txt", "/etc/nothing", "../up.txt", "templates/nothing.html"])
def test_files_that_no_rule_leaves_out_are_not_explained(folder: Path, path: str) -> None:
    error, _ = fail(folder, f"[Errno 2] No such file or directory: '{path}'")
    assert (error.what, error.hint) == ("the function failed", "fix the error")


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        (
            "RuntimeError: Directory 'web/build/static' does not exist",
            'build it (BUILD) and set include = ["web/build/"]',
        ),
        ("RuntimeError: Directory '/tmp/app/static/assets' does not exist", "if the frontend's build makes it: BUILD"),
        ("RuntimeError: Directory 'uploads' does not exist", "fix the error"),
        ("[Errno 2] No such file or directory: '/var/task/data/names.csv'", "create data/names.csv, which isn't here either,"),
    ],
)
def test_a_frontend_that_was_not_built_is_named_with_its_command(folder: Path, message: str, hint: str) -> None:
    (folder / "web").mkdir()
    (folder / "web/package.json").write_text('{"scripts": {"build": "mkdir -p build/static && touch build/static/app.js"}}')
    error, _ = fail(folder, message)
    assert error.hint.startswith(hint.replace("BUILD", "npm --prefix web install && npm --prefix web run build"))


def test_templates_of_django_that_a_frontend_builds(folder: Path) -> None:
    settings = "NAME = BASE_DIR / 'db.sqlite3'\nTEMPLATES = [{'DIRS': [os.path.join(BASE_DIR, 'build')]}]\n"
    (folder / "main.py").write_text(f"import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'settings'\n{APP}")
    (folder / "settings.py").write_text(settings)
    (folder / "package.json").write_text('{"scripts": {"build": "react-scripts build"}}')
    error, _ = fail(folder, "TemplateDoesNotExist: index.html")
    assert error.hint.startswith('build it (npm install && npm run build) and set include = ["build"] under')


def test_static_files_of_django_that_a_frontend_builds(folder: Path) -> None:
    message = "ValueError: Missing staticfiles manifest entry for 'dist/app.js'"
    assert fail(folder, message)[0].hint == "fix the error"
    (folder / "package.json").write_text('{"scripts": {"build": "vite build"}}')
    first = "build the frontend first: npm install && npm run build"
    hint = fail(folder, message)[0].hint
    assert hint == f'{first}, and set include = ["static/"] under [tool.lambent] in pyproject.toml'
    (folder / ".gitignore").write_text("")
    assert fail(folder, message)[0].hint == first


def test_a_file_next_to_the_module_that_misses_it(folder: Path) -> None:
    (folder / "shop/data.txt").write_text("x")
    config = load(folder, Flags(app="main:app", runtime=RUNTIME), {}, date.today())
    artifact = build(config, CACHE / "build", os.environ, events.ignore)
    what = "the file data.txt isn't in the zip (shop/views.py, line 2)"
    error = FunctionFailedError(what, hint="x", detail="FileNotFoundError: [Errno 2] No such file or directory: 'data.txt'")
    explain(error, config, artifact)
    assert error.what == "data.txt isn't in the folder that the app starts in, but next to views.py (shop/views.py, line 2)"
    assert error.hint.startswith('open it as Path(__file__).parent / "data.txt"')
