"""The project's own metadata and import roots in the zip."""

from __future__ import annotations

import os
import subprocess
import zipfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from lambent.config.load import Flags, load
from lambent.events import ignore
from lambent.package import built_metadata
from lambent.package.build import build
from lambent.package.build_context import BuildContext, BuildOptions
from lambent.package.own_distribution import metadata_files, read_distribution
from lambent.package.project_files import collect_project
from support.interpreter import python
from support.locking import write

SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
PROJECT = (
    SETUPTOOLS + '[project]\nname = "my.shop"\nversion = "2.5"\n[project.entry-points."shop.plugins"]\na = "shop.plug:A"\n'
)
SCRIPT = """from setuptools import setup
setup(name="shop", version="2." + str(2 + 3), packages=["shop"], entry_points={"shop.plugins": ["a = shop.plug:A"]})
"""
APP = """from importlib.metadata import entry_points, version
def app(environ, start_response): ...
print(version({!r}), [entry.load().__name__ for entry in entry_points(group="shop.plugins")])
"""


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("my-shop", {"pyproject.toml": PROJECT}),
        ("my-shop", {"pyproject.toml": PROJECT.replace("[project.entry", "dependencies = []\n[project.entry"), "src/": ""}),
        ("shop", {"setup.py": SCRIPT}),
    ],
    ids=["flat", "src", "setup.py"],
)
def test_app_finds_its_version_and_plug_ins(name: str, files: Mapping[str, str], tmp_path: Path) -> None:
    root = "src/" if "src/" in files else ""
    modules = {f"{root}shop/__init__.py": APP.format(name), f"{root}shop/plug.py": "class A: pass\n"}
    main = {"main.py": "from shop import app\n"}
    project = write(tmp_path / "project", {**{key: text for key, text in files.items() if text}, **modules, **main})
    config = load(project, Flags(app="main:app", runtime="python3.13"), os.environ, date(2026, 11, 23))
    first = build(config, tmp_path / "cache", os.environ, ignore)
    target = tmp_path / "unpacked"
    with zipfile.ZipFile(first.path) as archive:
        archive.extractall(target)
    output = subprocess.run(
        [python("3.13"), "-c", "import main"], cwd=target, check=True, capture_output=True, text=True
    ).stdout
    assert output == "2.5 ['A']\n"
    assert build(config, tmp_path / "other-cache", os.environ, ignore).sha256 == first.sha256


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('[tool.poetry]\nname = "shop"\nversion = "1.2"\n', "1.2"),
        (
            '[project]\nname = "shop"\ndynamic = ["version"]\n[tool.setuptools.dynamic]\nversion = { attr = "shop.VERSION" }\n',
            "3",
        ),
        ('[project]\nname = "shop"\ndynamic = ["version"]\n[tool.setuptools.dynamic]\nversion = { file = "VERSION" }\n', "4"),
        ('[project]\nname = "shop"\ndynamic = ["version"]\n[tool.hatch.version]\npath = "shop/__init__.py"\n', "3"),
        ('[project]\nname = "shop"\ndynamic = ["version"]\n[tool.hatch.version]\nsource = "vcs"\n', ""),
        ("[tool.ruff]\nline-length = 100\n", ""),
    ],
)
def test_version_is_read_from_where_the_project_keeps_it(text: str, version: str, tmp_path: Path) -> None:
    write(tmp_path, {"pyproject.toml": text, "shop/__init__.py": 'VERSION = "3"\n', "VERSION": "4\n"})
    distribution = read_distribution(tmp_path)
    assert (distribution.version if distribution else "") == version


@pytest.mark.parametrize(
    "line", ["import importlib.metadata", "from importlib import resources, metadata as m", "import pkg_resources"]
)
def test_every_form_of_asking_for_metadata_leads_to_a_build(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(built_metadata, "files", lambda context: {"shop-2.5.dist-info/METADATA": "Name: shop"})
    project = write(
        tmp_path, {"setup.cfg": "[metadata]\nname = shop\n", "main.py": f"{line}\ndef handler(event, context): ...\n"}
    )
    config = load(project, Flags(app="main:handler", runtime="python3.13"), os.environ, date(2026, 11, 23))
    context = BuildContext.start(config, tmp_path / "cache", os.environ, ignore, BuildOptions())
    assert list(metadata_files(context, collect_project(config).files)) == ["shop-2.5.dist-info/METADATA"]
