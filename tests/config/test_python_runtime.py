"""The Python runtimes that AWS, the project's files and the machine allow, and their order."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from lambent.config.python_runtime import keep_live
from lambent.errors import LocalError, UsageError
from support.configs import load_config

ALL = tuple(f"python3.{minor}" for minor in range(14, 7, -1))


def write_project(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("files", "newest", "oldest", "source"),
    [
        ({}, "3.14", "3.8", "AWS supports"),
        ({"pyproject.toml": '[project]\nrequires-python = "<3.13"'}, "3.12", "3.8", "requires-python allows"),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.12.4,<3.14"'}, "3.13", "3.12", "requires-python allows"),
        ({"pyproject.toml": '[project]\nrequires-python = "~=3.11.2"'}, "3.11", "3.11", "requires-python allows"),
        (
            {"pyproject.toml": '[tool.poetry.dependencies]\npython = ">=3.9,<3.12"'},
            *("3.11", "3.9", "[tool.poetry.dependencies] python allows"),
        ),
        (
            {"pyproject.toml": '[project]\nrequires-python = "^3.12"', "poetry.lock": ""},
            "3.14",
            "3.12",
            "requires-python allows",
        ),
        ({"uv.lock": 'version = 1\nrequires-python = ">=3.10, <3.13"\n'}, "3.12", "3.10", "uv.lock allows"),
        (
            {"poetry.lock": '[[package]]\npython-versions = ">=2"\n[metadata]\npython-versions = "~3.11"\n'},
            *("3.11", "3.11", "poetry.lock allows"),
        ),
        ({"setup.cfg": "[options]\npython_requires = >=3.9, <3.12\ninstall_requires =\n"}, "3.11", "3.9", "setup.cfg allows"),
        ({"setup.py": "setup(name='a', python_requires='~=3.12')"}, "3.14", "3.12", "setup.py allows"),
        ({"setup.py": "PYTHON = '>=3.9,<3.13'\nsetup(python_requires=PYTHON)"}, "3.12", "3.9", "setup.py allows"),
        ({"setup.py": "setup(**{'python_requires': '>=3.9,<3.13'})"}, "3.12", "3.9", "setup.py allows"),
        ({"pylock.toml": 'lock-version = "1.0"\nrequires-python = ">=3.13"\n'}, "3.14", "3.13", "pylock.toml allows"),
    ],
)
def test_range_in_a_file_of_the_project_limits_the_runtimes(
    handler_app: Path, files: dict[str, str], newest: str, oldest: str, source: str
) -> None:
    write_project(handler_app, files)
    config = load_config(handler_app)
    runtimes = config.candidates.runtimes
    assert runtimes == ALL[ALL.index(f"python{newest}") : ALL.index(f"python{oldest}") + 1]
    assert config.runtime == f"python{newest}" and source in config.origins["runtime"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".python-version", "3.11.4\n"),
        (".python-version", "cpython-3.11"),
        (".python-version", "3.7.16\n3.11.7\n"),
        ("runtime.txt", "\ufeffpython-3.11.9\n"),
        ("mise.toml", '[tools]\nnode = "22"\npython = "3.11"\n'),
        ("mise.toml", '[tools]\npython = { virtualenv = ".venv", version = "3.11.9" }\n'),
        (".tool-versions", "nodejs 20.1.0\npython 3.11.9\n"),
        ("runtime.txt", "python-3.11.9"),
        ("runtime.txt", "3.11"),
        ("Pipfile", '[packages]\nflask = "*"\n[requires]\npython_version = "3.11"\n'),
        ("template.yaml", "Resources:\n  Hello:\n    Properties:\n      Runtime: python3.11\n"),
        ("template.yaml", "Resources:\n  A:\n    Runtime: python3.9\n  B:\n    Runtime: python3.11\n"),
        ("serverless.yml", "provider:\n  name: aws\n  runtime: python3.11\n"),
        ("Dockerfile", "FROM node:20 AS ui\nFROM python:3.11-slim\n"),
        ("Dockerfile", 'ARG PYTHON="3.11"\nFROM python:${PYTHON}-slim AS build\nFROM build\n'),
        ("Dockerfile", "FROM --platform=linux/amd64 ghcr.io/astral-sh/uv:0.8-python3.11-bookworm\n"),
        ("Dockerfile", "FROM registry.access.redhat.com/ubi9/python-311\n"),
        ("render.yaml", "envVars:\n  - key: PYTHON_VERSION\n    value: 3.11.4\n"),
        ("app.yaml", "runtime: python311\n"),
        ("environment.yml", "dependencies:\n  - python=3.11.4\n  - flask\n"),
    ],
)
def test_version_file_names_the_first_runtime(handler_app: Path, name: str, text: str) -> None:
    write_project(handler_app, {name: text})
    config = load_config(handler_app)
    assert config.candidates.runtimes[:3] == ("python3.11", "python3.14", "python3.13")
    assert config.origins["runtime"] == name


@pytest.mark.parametrize(
    ("files", "note"),
    [
        ({"runtime.txt": "python-2.7.18"}, "runtime.txt names Python 2.7, but AWS has no python2.7"),
        ({".python-version": "3.15"}, ".python-version names Python 3.15, but python3.15 is a preview"),
        ({"runtime.txt": "python-3.7.1"}, "runtime.txt names Python 3.7, but AWS stopped accepting python3.7"),
        (
            {"runtime.txt": "python-3.7.1", "Dockerfile": "FROM python:3.11"},
            "runtime.txt names Python 3.7, but AWS stopped accepting python3.7",
        ),
        ({"Dockerfile": "FROM python:2.7"}, "Dockerfile names Python 2.7, but AWS has no python2.7"),
        ({"Dockerfile": "FROM python:3.9"}, "Dockerfile names Python 3.9, but AWS has deprecated python3.9"),
        ({".python-version": "3.99"}, ".python-version names Python 3.99, but AWS has no python3.99"),
        (
            {".python-version": "3.9", "pyproject.toml": '[project]\nrequires-python = ">=3.12"'},
            ".python-version names Python 3.9, but requires-python is >=3.12",
        ),
    ],
)
def test_version_file_that_cannot_be_followed_is_noted(handler_app: Path, files: dict[str, str], note: str) -> None:
    write_project(handler_app, files)
    config = load_config(handler_app)
    assert config.runtime == "python3.14" and config.candidates.note == note


def test_local_runtime_is_the_newest_on_this_machine(handler_app: Path) -> None:
    config = load_config(handler_app, pythons=("3.11", "3.12", "3.9"), installed="required")
    assert config.candidates.runtimes == ("python3.12", "python3.11", "python3.9")
    assert "this machine has" in config.origins["runtime"]


def test_runtime_of_this_machine_is_preferred_where_that_is_asked(handler_app: Path) -> None:
    config = load_config(handler_app, pythons=("3.11", "3.12"), installed="preferred")
    assert config.candidates.runtimes[:4] == ("python3.12", "python3.11", "python3.14", "python3.13")
    assert keep_live(config, "python3.13").runtime == "python3.13", "another machine has deployed it"
    (handler_app / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.13"\n')
    config = load_config(handler_app, pythons=("3.11", "3.12"), installed="preferred")
    assert config.candidates.runtimes == ("python3.14", "python3.13")


def test_inline_metadata_of_the_apps_file_limits_the_runtimes(handler_app: Path) -> None:
    script = '# /// script\n# requires-python = "<3.13"\n# ///\ndef lambda_handler(event, context): ...\n'
    (handler_app / "lambda_function.py").write_text(script)
    assert load_config(handler_app).runtime == "python3.12"
    (handler_app / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.13"\n')
    assert load_config(handler_app).runtime == "python3.14", "the project's own comes first"


def test_missing_interpreter_gets_an_install_command(handler_app: Path) -> None:
    with pytest.raises(LocalError) as error:
        load_config(handler_app, pythons=("3.6",), installed="required")
    assert error.value.hint == "uv python install 3.14"
    assert load_config(handler_app, pythons=()).runtime == "python3.14"


@pytest.mark.parametrize("version_range", ["<3.8", ">=3.15"])
def test_project_that_no_runtime_fits_is_refused(handler_app: Path, version_range: str) -> None:
    (handler_app / "pyproject.toml").write_text(f'[project]\nname = "x"\nrequires-python = "{version_range}"\n')
    with pytest.raises(UsageError, match=rf"requires-python is {version_range}, and AWS has python3.14") as error:
        load_config(handler_app)
    assert "pass --runtime python3.14" in error.value.hint
    assert load_config(handler_app, runtime="python3.14").runtime == "python3.14"


def test_runtime_that_is_proposed_is_one_that_this_machine_has(handler_app: Path) -> None:
    (handler_app / "pyproject.toml").write_text('[project]\nrequires-python = "<3.8"\n')
    with pytest.raises(UsageError) as error:
        load_config(handler_app, pythons=("3.11", "3.12"), installed="required")
    assert error.value.hint == "allow 3.12 there, or pass --runtime python3.12"


@pytest.mark.parametrize(
    ("text", "standard"),
    [("^3.10", ">=3.10,<4"), ("~3.11", ">=3.11,<3.12"), (">=3.9 <3.13", ">=3.9,<3.13"), ("3.12", ">=3.12"), ("new", ">=3.11")],
)
def test_invalid_range_is_shown_in_standard_notation(handler_app: Path, text: str, standard: str) -> None:
    project = handler_app / "pyproject.toml"
    project.write_text(f'[project]\nrequires-python = "{text}"\n')
    with pytest.raises(UsageError, match="invalid version range") as error:
        load_config(handler_app)
    assert error.value.hint == f'requires-python = "{standard}"'
    project.write_text(f"[project]\n{error.value.hint}\n")
    load_config(handler_app)


def test_web_app_that_only_fits_an_old_python_is_refused_once(web_app: Path) -> None:
    (web_app / "pyproject.toml").write_text('[project]\nname = "x"\nrequires-python = "<3.8"\n')
    with pytest.raises(UsageError, match=r"requires-python is <3\.8, web apps need python3\.8 or newer"):
        load_config(web_app, on=date(2022, 1, 1))


def test_closed_runtime_is_left_to_aws(handler_app: Path) -> None:
    config = load_config(handler_app, runtime="python3.9", on=date(2028, 1, 1))
    assert config.runtime == "python3.9" and not config.candidates.runtimes


@pytest.mark.parametrize(
    ("files", "live", "runtime", "origin"),
    [
        ({}, "python3.12", "python3.12", "what is live"),
        ({}, "", "python3.14", "newest that AWS supports"),
        ({".python-version": "3.13"}, "python3.12", "python3.13", ".python-version"),
        ({}, "nodejs22.x", "python3.14", "newest that AWS supports"),
        (
            {"pyproject.toml": '[tool.lambent]\nruntime = "3.11"'},
            "python3.12",
            "python3.11",
            "pyproject.toml [tool.lambent] runtime",
        ),
    ],
)
def test_live_runtime_stays_until_the_project_names_another(
    handler_app: Path, files: dict[str, str], live: str, runtime: str, origin: str
) -> None:
    write_project(handler_app, files)
    config = keep_live(load_config(handler_app), live)
    assert (config.runtime, config.origins["runtime"]) == (runtime, origin)


def test_live_runtime_that_aws_only_updates_stays(handler_app: Path) -> None:
    window = date(2027, 2, 10)
    assert "python3.9" not in load_config(handler_app, on=window).candidates.runtimes
    assert keep_live(load_config(handler_app, on=window), "python3.9").runtime == "python3.9"


def test_live_runtime_that_no_longer_fits_is_noted(handler_app: Path) -> None:
    (handler_app / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.12"\n')
    config = keep_live(load_config(handler_app), "python3.11")
    assert config.runtime == "python3.14"
    assert config.candidates.note == "python3.11 is live, but requires-python is >=3.12"
