"""Which of several apps a project's instructions name, or a person would take."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.errors import DetectionError
from support.detection import FASTAPI, FLASK, GUARD, detect, write_project

TWO = {"first.py": FASTAPI, "second.py": FASTAPI}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("README.md", "```\nexport FLASK_APP=second.py\nflask run\n```\n"),
        ("README.md", "```\npip install -r requirements.txt\npython -m venv venv\npython second.py\n```\n"),
        ("README.md", "Run `python3 -m second`, not 'first'.\n"),
        ("README.md", "`fastapi dev second.py`\n"),
        ("pyproject.toml", "[tool.poe.tasks]\nserve = 'uvicorn second:app'\n"),
        ("pyproject.toml", '[tool.pdm.scripts]\nserve = {cmd = "uvicorn second:app"}\n'),
        ("Pipfile", "[scripts]\nserve = 'uvicorn second:app'\n"),
        ("supervisord.conf", "[program:web]\ncommand=/usr/bin/uvicorn second:app\n"),
        ("web.service", "[Service]\nExecStart=/opt/venv/bin/uvicorn second:app --port 80\n"),
    ],
)
def test_instructions_name_the_app(tmp_path: Path, file: str, text: str) -> None:
    app = detect(write_project(tmp_path, {**TWO, file: text}))
    assert (app.spec, app.source) == ("second:app", file)


def test_tests_that_instructions_run_are_no_app(tmp_path: Path) -> None:
    files = {"test_main.py": FLASK, "main.py": "def webhook(request): ...\n", "README.md": "    $ python test_main.py\n"}
    with pytest.raises(DetectionError, match="no app found"):
        detect(write_project(tmp_path, files))


def test_instructions_change_the_folder(tmp_path: Path) -> None:
    readme = "```\ngit clone shop\ncd shop\ncd backend\nuvicorn second:app\n```\n"
    files = {f"backend/{name}": text for name, text in TWO.items()}
    app = detect(write_project(tmp_path, {**files, "README.md": readme}))
    assert (app.spec, app.root) == ("second:app", "backend")


@pytest.mark.parametrize("table", ["project", "tool.poetry"])
@pytest.mark.parametrize("root", ["", "src/"])
def test_script_of_the_project_starts_the_app(tmp_path: Path, table: str, root: str) -> None:
    files = {
        f"{root}shop/__init__.py": "",
        f"{root}shop/run.py": "import uvicorn\ndef main():\n    uvicorn.run('shop.web:inner')\n",
        f"{root}shop/web.py": FASTAPI.replace("app =", "outer =") + "inner = FastAPI()\n",
        "pyproject.toml": f"[{table}.scripts]\nserve = 'shop.run:main'\n",
    }
    assert detect(write_project(tmp_path, files)).spec == "shop.web:inner"


@pytest.mark.parametrize(
    ("files", "spec", "other"),
    [
        ({"app.py": FASTAPI, "main.py": FASTAPI}, "main:app", "app.py: --app app:app"),  # as `fastapi run`
        ({"app.py": FLASK, "main.py": FLASK}, "app:app", "main.py: --app main:app"),  # as `flask run`
        ({"example.py": FASTAPI, "shop.py": FASTAPI}, "shop:app", "example.py: --app example:app"),
        ({"shop.py": FASTAPI, "shop_v2_1.py": FASTAPI}, "shop:app", "shop_v2_1.py: --app shop_v2_1:app"),
        ({"one.py": FLASK, "two.py": f"{FLASK}{GUARD}    app.run()\n"}, "two:app", "one.py: --app one:app"),
    ],
)
def test_main_app_is_taken_with_a_word(tmp_path: Path, files: dict[str, str], spec: str, other: str) -> None:
    app = detect(write_project(tmp_path, files))
    assert (app.spec, app.remarks) == (spec, (f"{spec.partition(':')[0]}.py has the app, and so has {other} deploys that one",))


def test_file_with_the_name_of_the_folder_is_the_main_one(tmp_path: Path) -> None:
    app = detect(write_project(tmp_path / "flask-todo", {"blob.py": FLASK, "todo.py": FLASK}))
    assert app.spec == "todo:app" and "blob.py: --app blob:app deploys that one" in app.remarks[0]


THREE = "from fastapi import FastAPI\none, two, three = FastAPI(), FastAPI(), FastAPI()\n"


@pytest.mark.parametrize("files", [TWO, {"app.py": FASTAPI, "main.py": FLASK}, {"main.py": THREE}])
def test_equal_apps_are_not_guessed(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(DetectionError, match="nothing says which one to deploy"):
        detect(write_project(tmp_path, files))


def test_command_runs_an_app_that_is_called_like_a_test_if_there_is_no_other(tmp_path: Path) -> None:
    write_project(tmp_path, {"test_app.py": FLASK, "README.md": "    $ gunicorn test_app:app\n"})
    assert detect(tmp_path).spec == "test_app:app"
