"""The name of an app that nobody names."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.config.app_name import DefaultName, default_name
from lambent.config.project import find_project
from support.detection import write_project

REMOTE = '[remote "origin"]\n\turl = git@github.com:acme/Shop.git\n'
PYPROJECT = '[project]\nname = "{}"\nversion = "1"\n'


@pytest.mark.parametrize(
    ("files", "folder", "expected"),
    [
        ({".git/config": REMOTE, "backend/main.py": ""}, "backend", ("shop-backend", "backend")),
        ({".git/config": REMOTE, "mysite/manage.py": ""}, "mysite", ("shop-mysite", "mysite")),
        ({".git/config": "", "backend/main.py": ""}, "backend", ("backend", "")),
        ({".git/config": REMOTE, "services/api/main.py": ""}, "services/api", ("shop-services-api", "api")),
        ({".git/config": REMOTE, "orders/main.py": ""}, "orders", ("orders", "")),
        ({".git/config": REMOTE, "main.py": ""}, ".", ("my-top", "")),
        ({".git/config": REMOTE, "pyproject.toml": PYPROJECT.format("app")}, ".", ("shop", "app")),
        ({".git/config": REMOTE, "web/pyproject.toml": PYPROJECT.format("orders")}, "web", ("orders", "")),
        ({"backend/main.py": ""}, "backend", ("backend", "")),
        ({".git/config": REMOTE, "chapter01/final/main.py": ""}, "chapter01/final", ("shop-chapter01-final", "final")),
        ({".git/config": REMOTE, "ch1/shop/main.py": ""}, "ch1/shop", ("shop-ch1-shop", "shop")),
        ({".git/config": REMOTE, "03/main.py": ""}, "03", ("shop-03", "03")),
        ({".git/config": "", "chapter01/final/main.py": ""}, "chapter01/final", ("chapter01-final", "final")),
        (
            {".git/config": REMOTE, f"{'a' * 30}/{'b' * 40}/app/m.py": ""},
            f"{'a' * 30}/{'b' * 40}/app",
            (f"{'b' * 40}-app", "app"),
        ),
    ],
    ids=[
        *("remote", "mysite", "no-remote", "deeper", "own-name", "top", "top-is-app", "project-name", "no-repository"),
        *("chapter", "in-chapter", "number", "chapter-without-remote", "long"),
    ],
)
def test_name(tmp_path: Path, files: dict[str, str], folder: str, expected: tuple[str, str]) -> None:
    top = write_project(tmp_path / "My Top", files)
    name = default_name(find_project(top / folder), "")
    assert (name.name, name.former) == expected


def test_stage_is_the_suffix_of_both_names(tmp_path: Path) -> None:
    top = write_project(tmp_path, {".git/config": REMOTE, "api/main.py": ""})
    origin = "the folder api and its repository"
    assert default_name(find_project(top / "api"), "-prod") == DefaultName("shop-api-prod", origin, "api-prod")


def test_a_folder_without_latin_letters_has_a_name_too(tmp_path: Path) -> None:
    names = [
        default_name(find_project(write_project(tmp_path / folder, {"app.py": ""})), "-prod").name
        for folder in ("日本語", "店")
    ]
    assert names == ["app-77710a-prod", "app-aaded3-prod"]
