"""The folders that an installed project imports from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from lambent.config.detection.detect import find_app
from lambent.config.own_package import install_roots, is_library
from lambent.config.project import find_project
from support.locking import write

PROJECT = '[project]\nname = "my.shop"\nversion = "2.5"\n'


@pytest.mark.parametrize(
    ("files", "roots"),
    [
        ({"pyproject.toml": PROJECT, "src/shop/__init__.py": ""}, ("src",)),
        ({"pyproject.toml": PROJECT, "src/__init__.py": "", "src/shop/__init__.py": ""}, ()),
        ({"pyproject.toml": PROJECT + "[build-system]\n", "src/__init__.py": "", "src/shop/__init__.py": ""}, ("src",)),
        ({"src/shop/__init__.py": ""}, ()),
        ({"setup.py": "setup(package_dir={'': 'lib'})", "lib/shop.py": ""}, ("lib",)),
        ({"setup.cfg": "[options]\npackage_dir =\n    = lib\n", "lib/shop.py": ""}, ("lib",)),
        ({"setup.py": "setup(packages=find_packages(where='lib'))", "lib/shop/__init__.py": ""}, ("lib",)),
        ({"pyproject.toml": PROJECT + "[tool.poetry]\npackages = 3\n"}, ()),
        (
            {"pyproject.toml": PROJECT + '[tool.hatch.build.targets.wheel]\npackages = ["py/shop"]\n', "py/shop/a.py": ""},
            ("py",),
        ),
    ],
)
def test_roots_are_the_folders_that_an_install_imports_from(
    files: Mapping[str, str], roots: tuple[str], tmp_path: Path
) -> None:
    assert install_roots(write(tmp_path, files)) == roots


def test_app_is_found_below_the_folder_that_the_packaging_tool_names(tmp_path: Path) -> None:
    poetry = '[tool.poetry]\nname = "shop"\npackages = [{ include = "shop", from = "lib" }]\n[build-system]\nrequires = []\n'
    files = {"pyproject.toml": poetry, "lib/shop/web.py": "from flask import Flask\napp = Flask(__name__)\n"}
    app = find_app(find_project(write(tmp_path, {**files, "lib/shop/__init__.py": ""})))
    assert (app.spec, app.root) == ("shop.web:app", "lib")


@pytest.mark.parametrize("text", ["project = 3\n", "[project]\nname = 3\n[tool]\npoetry = 3\n", "name = shop"])
def test_pyproject_of_another_form_names_no_library(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"pyproject.toml": text, "shop.py": ""})
    assert not is_library(tmp_path, "shop")
