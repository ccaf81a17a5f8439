"""The edit that lambent prints when no runtime fits: it is followed with the tool that keeps the lock, and then one fits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from lambent.config.load import Flags, load
from lambent.config.model import Config
from lambent.errors import PackagingError
from lambent.events import ignore
from lambent.package.runtime_advice import _is_for
from lambent.package.runtime_choice import choose_runtime
from support.locking import offer, write
from support.project_tools import ProjectTools
from support.registry import Registry, serving

HERE = "cp311-cp311-manylinux_2_28_x86_64"
"""A wheel for the tools' Python on this machine that doesn't fit Lambda's python3.11, whose glibc is 2.26."""
LAMBDA = "cp311-cp311-manylinux2014_x86_64"
PROJECT = '[project]\nname = "app"\nversion = "0"\nrequires-python = ">=3.11,<3.12"\ndependencies = ["fast", "parent"]\n'
POETRY = """\
[tool.poetry]
name = "app"
version = "0"
description = ""
authors = []
package-mode = false

[tool.poetry.dependencies]
python = ">=3.11,<3.12"
fast = "*"
parent = "*"
"""
POETRY_SOURCE = '\n[[tool.poetry.source]]\nname = "here"\nurl = "INDEX/simple"\npriority = "primary"\n'
PIPFILE = """\
[[source]]
name = "here"
url = "INDEX/simple"
verify_ssl = false

[packages]
fast = "*"
parent = "*"

[requires]
python_version = "3.11"
"""
TOOLS = {
    "uv": ("pyproject.toml", f'{PROJECT}\n[[tool.uv.index]]\nurl = "INDEX/simple"\ndefault = true\n', "uv add 'fast>=2.0'"),
    "poetry": ("pyproject.toml", POETRY + POETRY_SOURCE, "poetry add 'fast>=2.0'"),
    "pdm": (
        "pyproject.toml",
        f'{PROJECT}\n[tool.pdm]\ndistribution = false\n\n[[tool.pdm.source]]\nname = "pypi"\nurl = "INDEX/simple"\n',
        "pdm add 'fast>=2.0'",
    ),
    "pipenv": ("Pipfile", PIPFILE, "pipenv install 'fast>=2.0'"),
}
UPDATES = {
    "uv": "uv lock --upgrade-package slow",
    "poetry": "poetry update slow",
    "pdm": "pdm update slow",
    "pipenv": "pipenv upgrade slow",
}

SLOW = pytest.mark.skipif("LAMBENT_TEST_LARGE" not in os.environ, reason="takes most of a minute: LAMBENT_TEST_LARGE=1")


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as running:
        for name in ("fast", "slow"):
            offer(running, name, "1.0", HERE)
        offer(running, "parent", requires=("slow>=1",))
        yield running


def choose(project: Path) -> Config:
    cache = project.parent / "lambent"
    environ = {**os.environ, "UV_CACHE_DIR": str(cache / "uv")}
    config = load(project, Flags(), environ, date(2026, 11, 30))
    return choose_runtime(config, cache, environ, ignore)


@pytest.mark.parametrize("tool", ["uv", "poetry", pytest.param("pdm", marks=SLOW), pytest.param("pipenv", marks=SLOW)])
def test_edit_of_a_lock_is_followed_with_its_tool(tool: str, registry: Registry, tmp_path: Path) -> None:
    name, text, edit = TOOLS[tool]
    tools = ProjectTools(tmp_path / "tools", tool)
    project = write(tmp_path / "app", {name: text.replace("INDEX", registry.url), "main.py": ""})
    write(project, {"main.py": "def lambda_handler(event, context): return 1\n"})
    tools.run(f"{tool} lock", project)
    for package in ("fast", "slow"):
        offer(registry, package, "2.0", LAMBDA)
    with pytest.raises(PackagingError) as caught:
        choose(project)
    assert "fast 1.0" in caught.value.what and "slow 1.0" in caught.value.what
    line = f"{edit} && {UPDATES[tool]}"
    assert caught.value.hint == f"{line}, for python3.11"
    tools.run(line, project)
    assert choose(project).runtime == "python3.11"


@pytest.mark.parametrize(("requires", "expected"), [('"3.6"', False), ('"3.11"', True), ('"3.1"', False), ("", True)])
def test_pipenv_gets_another_python_than_that_of_a_lock_for_an_old_one(requires: str, expected: bool, tmp_path: Path) -> None:
    entry = f'"python_version": {requires}' if requires else ""
    lock = write(tmp_path, {"Pipfile.lock": f'{{"_meta": {{"requires": {{{entry}}}}}}}'}) / "Pipfile.lock"
    assert _is_for(lock, "3.11") is expected
