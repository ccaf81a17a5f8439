"""Which file states a project's dependencies."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.package.requirements.discovery import find_requirements
from support.locking import make_target, write

TARGET = make_target("3.11")


def test_more_specific_files_win_within_a_folder(tmp_path: Path) -> None:
    lock = 'lock-version = "1.0"\ncreated-by = "x"\npackages = []\n'
    project = write(tmp_path / "repo", {"main.py": ""})
    names = ["pyproject.toml", "uv.lock", "requirements.txt", "pylock.toml", "pylock.python311-x86_64.toml"]
    texts = {"pyproject.toml": '[project]\nname = "a"\ndependencies = ["b"]\n', "uv.lock": "version = 1\n"}
    assert find_requirements(project, project / "main.py", TARGET).kind == "nothing"
    for name in names:
        write(project, {name: texts.get(name, lock if "pylock" in name else "b\n")})
        assert find_requirements(project, project / "main.py", TARGET).name == name
    other_target = make_target("3.13")
    assert find_requirements(project, project / "main.py", other_target).name == "pylock.toml"
    assert find_requirements(project, project / "main.py", TARGET, skip_own_lock=True).name == "pylock.toml"
    source = find_requirements(project, project / "main.py", TARGET)
    assert source.ignored == ("pylock.toml", "requirements.txt", "uv.lock")


@pytest.mark.parametrize(
    ("instructions", "name"),
    [
        ({"Dockerfile": "RUN uv sync --frozen"}, "uv.lock"),
        ({"Dockerfile": "RUN pip install -r requirements.txt && uv sync"}, "requirements.txt"),
        ({"Dockerfile": "RUN poetry install"}, "requirements.txt"),
        ({"Dockerfile": "RUN pip install uv"}, "requirements.txt"),
        ({"Procfile": "web: uv run gunicorn main:app"}, "uv.lock"),
        ({"README.md": "Run `uv sync`, then `uv run main.py`."}, "uv.lock"),
        ({"README.md": "Run `pip install -r requirements.txt`, or with uv: `uv sync`."}, "requirements.txt"),
        ({"README.md": "Run `uv sync`.", "Dockerfile": "COPY requirements.txt ."}, "requirements.txt"),
    ],
)
def test_lock_that_the_projects_instructions_install_wins(tmp_path: Path, instructions: dict[str, str], name: str) -> None:
    texts = {"requirements.txt": "old\n", "pyproject.toml": '[project]\nname = "a"\n', "uv.lock": "version = 1\n"}
    write(tmp_path, {**texts, "main.py": "", **instructions})
    assert find_requirements(tmp_path, tmp_path / "main.py", TARGET).name == name


def test_nearest_folder_up_to_the_repository_root_wins(tmp_path: Path) -> None:
    write(tmp_path, {"requirements.txt": "outside\n", "repo/site/manage.py": "", "repo/site/pkg/wsgi.py": ""})
    repository, site = tmp_path / "repo", tmp_path / "repo/site"
    assert find_requirements(site, site / "manage.py", TARGET).kind == "nothing", "without a repository, nothing above counts"
    (repository / ".git").mkdir()
    assert find_requirements(site, site / "manage.py", TARGET).kind == "nothing"
    write(tmp_path, {"repo/requirements.txt": "inside\n"})
    source = find_requirements(site, site / "manage.py", TARGET)
    assert (source.name, source.path) == ("../requirements.txt", repository / "requirements.txt")
    assert source.folder == repository
    write(tmp_path, {"repo/site/pkg/requirements.txt": "nearer\n"})
    assert find_requirements(site, site / "pkg/wsgi.py", TARGET).name == "pkg/requirements.txt"
    assert find_requirements(repository, site / "manage.py", TARGET).name == "requirements.txt"


def test_another_project_above_does_not_count(tmp_path: Path) -> None:
    """Its pyproject.toml, locks and setup.py are its own; only a requirements.txt may be shared."""
    (tmp_path / ".git").mkdir()
    other = {"pyproject.toml": '[project]\nname = "other"\ndependencies = ["b"]\n', "poetry.lock": "", "setup.py": "setup()"}
    write(tmp_path, {**other, "uv.lock": "version = 1\n", "pylock.toml": "", "Pipfile.lock": "{}"})
    example = write(tmp_path / "examples/hello", {"main.py": ""})
    assert find_requirements(example, example / "main.py", TARGET).kind == "nothing"


def test_workspace_lock_counts_for_its_members(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    members = '["packages/*", "between", "between/*"]'
    write(tmp_path, {"pyproject.toml": f"[tool.uv.workspace]\nmembers = {members}\n", "uv.lock": "version = 1\n"})
    project = '[project]\nname = "a"\nversion = "1"\n'
    write(tmp_path / "between", {"pyproject.toml": project})  # uv looks no further up than a project
    for folder, kind in (("packages/a", "uv.lock"), ("elsewhere/b", "nothing"), ("between/c", "nothing")):
        member = write(tmp_path / folder, {"main.py": "", "pyproject.toml": project})
        assert find_requirements(member, member / "main.py", TARGET).kind == kind


def test_files_for_pip_with_other_names_count_where_nothing_else_does(tmp_path: Path) -> None:
    names = ("requirement.txt", "requirements/base.txt", "requirements/requirements.txt", "requirements/production.txt")
    for name in names:
        folder = write(tmp_path / name.replace("/", "-"), {"main.py": "", name: "b\n"})
        source = find_requirements(folder, folder / "main.py", TARGET)
        assert (source.kind, source.name) == ("requirements.txt", name)
    project = write(tmp_path / "project", {"main.py": "", **dict.fromkeys(names[1:], "b\n")})
    source = find_requirements(project, project / "main.py", TARGET)
    assert (source.name, source.ignored) == ("requirements/production.txt", ())
    write(project, {"setup.cfg": "[flake8]\nignore = E501\n"})
    assert find_requirements(project, project / "main.py", TARGET).kind == "requirements.txt", "no distribution"
    write(project, {"setup.py": "import sqlite3\nsqlite3.connect('app.db').execute('DROP TABLE posts')\n"})
    assert find_requirements(project, project / "main.py", TARGET).kind == "requirements.txt", "no distribution"
    write(project, {"setup.py": "from setuptools import setup\nsetup()\n"})
    assert find_requirements(project, project / "main.py", TARGET).name == "setup.py"


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"requirments.txt": "flask\n"}, "requirments.txt"),
        ({"requirements_20251006.txt": "# today\n\nflask==3.0 ; python_version > '3'\n"}, "requirements_20251006.txt"),
        ({"reqs.txt": "uvicorn[standard]\n", "requirements-dev.txt": "pytest\n", "notes.txt": "flask\n"}, "reqs.txt"),
        ({"requirements_1.txt": "flask\n", "requirements_2.txt": "flask\n"}, ""),
        ({"requirements_20240102.txt": "flask\n", "requirements_20251006.txt": "flask\n"}, "requirements_20251006.txt"),
        ({"request.txt": "GET / HTTP/1.1\n"}, ""),
        ({"requirement.txt": "flask\n", "requirements_old.txt": "flask\n"}, "requirement.txt"),
    ],
)
def test_only_file_with_a_similar_name_counts_where_nothing_else_does(tmp_path: Path, files: dict[str, str], name: str) -> None:
    project = write(tmp_path / "shop", {"main.py": "", **files})
    assert find_requirements(project, project / "main.py", TARGET).name == name


def test_requirements_of_a_function_come_before_those_of_the_folder_that_deploys_it(tmp_path: Path) -> None:
    files = {"requirements.txt": "aws-cdk-lib\n", "lambda/get/app.py": "", "lambda/get/requirements.txt": "requests\n"}
    project = write(tmp_path, files)
    app = project / "lambda/get/app.py"
    assert find_requirements(project, app, TARGET).name == "requirements.txt"
    assert find_requirements(project, app, TARGET, nearest_first=True).name == "lambda/get/requirements.txt"
    write(project, {"pylock.python311-x86_64.toml": ""})
    assert find_requirements(project, app, TARGET, nearest_first=True).name == "pylock.python311-x86_64.toml"


def test_file_that_the_dockerfile_copies_counts_where_there_is_no_other(tmp_path: Path) -> None:
    files = {
        "main.py": "",
        "build/api/requirements.txt": "flask\n",
        "build/api/Dockerfile": "FROM python\nCOPY --chown=app ./build/api/requirements.txt /tmp/requirements.txt\n",
    }
    project = write(tmp_path / "shop", files)
    assert find_requirements(project, project / "main.py", TARGET).name == "build/api/requirements.txt"
    write(project, {"other/reqs.txt": "django\n", "other/Dockerfile": "FROM python\nADD reqs.txt .\n"})
    assert find_requirements(project, project / "main.py", TARGET).kind == "nothing"


def test_requirements_for_lambda_come_first_among_those_of_several_environments(tmp_path: Path) -> None:
    files = {"main.py": "", **{f"requirements/{name}.txt": "flask\n" for name in ("ecs", "lambda", "base")}}
    project = write(tmp_path, files)
    assert find_requirements(project, project / "main.py", TARGET).name == "requirements/lambda.txt"
