"""Settings of Django that the app's start names and that aren't here: the flag for those that are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lambent.config.variables.missing_settings import (
    empty_settings,
    refuse_missing_settings,
    use_named_settings,
    use_settings_of_manage,
)
from lambent.errors import UsageError
from lambent.events import Event
from support.configs import load_config
from support.detection import write_project

WSGI = "import os\nfrom django.core.wsgi import get_wsgi_application\n{}\napplication = get_wsgi_application()\n"
DEFAULT = WSGI.format("os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings.local')")
FILES = {
    "shop/__init__.py": "",
    "shop/wsgi.py": DEFAULT,
    "shop/settings/__init__.py": "",
    "shop/settings/base.py": "INSTALLED_APPS = []\n",
    "shop/settings/dev.py": "from .base import *\n",
    "shop/settings/prod.py": "from .base import *\n",
    "shop/settings/paths.py": "ROOT = '/'\n",
}


def refuse(folder: Path, files: dict[str, str], **flags: Any) -> None:
    refuse_missing_settings(load_config(write_project(folder / "app", files), app="shop.wsgi:application", **flags))


def test_the_flag_names_settings_that_are_here(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        refuse(tmp_path, FILES)
    what = "the app starts with the settings shop.settings.local, but shop/settings/ has no local.py, only prod, base and dev"
    assert (caught.value.what, caught.value.where) == (what, "shop/wsgi.py")
    flag, _, value = caught.value.hint.partition(" ")
    assert flag == "--env"
    refuse(tmp_path, FILES, env=(value,))


def test_a_variable_that_the_start_overwrites_needs_an_edit(tmp_path: Path) -> None:
    start = WSGI.format('os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings.local"')
    with pytest.raises(UsageError) as caught:
        refuse(tmp_path, FILES | {"shop/wsgi.py": start})
    edit = caught.value.hint.removeprefix("in shop/wsgi.py, ")
    refuse(tmp_path, FILES | {"shop/wsgi.py": WSGI.format(edit)})


@pytest.mark.parametrize(
    "files",
    [
        {"shop/settings/local.py": ""},
        {"shop/wsgi.py": DEFAULT.replace("shop.settings.local", "settings_of_a_package.local")},
        {"shop/wsgi.py": WSGI.format("import configurations")},
    ],
)
def test_settings_that_are_here_or_elsewhere_are_accepted(tmp_path: Path, files: dict[str, str]) -> None:
    refuse(tmp_path, FILES | files)


@pytest.mark.parametrize(
    ("settings", "start", "expected"),
    [
        ("# one of those in this package\n", DEFAULT, "shop.settings.dev"),
        ("include('dev.py')\nDEBUG = True\n", DEFAULT, None),
        ("", WSGI.format('os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"'), None),
    ],
    ids=["empty", "code", "no-default"],
)
def test_settings_of_manage_take_the_place_of_empty_ones(
    tmp_path: Path, settings: str, start: str, expected: str | None
) -> None:
    manage = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings.dev')\n"
    files = {
        "manage.py": manage,
        "shop/settings/__init__.py": settings,
        "shop/wsgi.py": start.replace("settings.local", "settings"),
    }
    config = load_config(write_project(tmp_path / "app", FILES | files), app="shop.wsgi:application")
    events = list[Event]()
    assert dict(use_settings_of_manage(config, events.append).environment).get("DJANGO_SETTINGS_MODULE") == expected
    assert len(events) == (expected is not None)


def test_settings_of_an_example_take_the_place_of_empty_ones(tmp_path: Path) -> None:
    files = {
        "manage.py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', config('DJANGO_SETTINGS_MODULE'))\n",
        ".env.example": "DJANGO_SETTINGS_MODULE=shop.settings.dev\n",
        "shop/settings/__init__.py": "",
        "shop/wsgi.py": DEFAULT.replace("settings.local", "settings"),
    }
    config = load_config(write_project(tmp_path / "app", FILES | files), app="shop.wsgi:application")
    assert empty_settings(config) == ("shop.settings", "shop.settings.dev", ".env.example")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({".env": "DJANGO_SETTINGS_MODULE=shop.settings.prod\n"}, "shop.settings.prod"),
        ({"Dockerfile": "FROM python\nENV DJANGO_SETTINGS_MODULE=shop.settings.dev\n"}, "shop.settings.dev"),
        ({"manage.py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings.dev')\n"}, "shop.settings.dev"),
        (
            {
                "pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE = shop.settings.dev\n",
                "manage.py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings.prod')\n",
            },
            "shop.settings.prod",
        ),
        ({".env": "DJANGO_SETTINGS_MODULE=shop.settings.missing\n"}, None),
        ({".env": "DJANGO_SETTINGS_MODULE=shop.settings.prod\n", "shop/wsgi.py": DEFAULT}, None),
        ({".env": "DJANGO_SETTINGS_MODULE=shop.settings.prod\n", "shop/wsgi.py": "application = print\n"}, None),
    ],
)
def test_settings_that_only_another_file_names_are_set(tmp_path: Path, files: dict[str, str], expected: str | None) -> None:
    project = write_project(tmp_path / "app", FILES | {"shop/wsgi.py": WSGI.format("")} | files)
    config = load_config(project, app="shop.wsgi:application")
    events = list[Event]()
    assert dict(use_named_settings(config, events.append).environment).get("DJANGO_SETTINGS_MODULE") == expected
    assert len(events) == (expected is not None)


def test_project_without_wsgi_gets_the_settings_of_manage(tmp_path: Path) -> None:
    manage = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n"
    files = {"manage.py": manage, "settings.py": "ROOT_URLCONF = 'urls'\n", "pytest.ini": "DJANGO_SETTINGS_MODULE = tests\n"}
    config = load_config(write_project(tmp_path / "app", files))
    assert use_named_settings(config, [].append).environment == (("DJANGO_SETTINGS_MODULE", "settings"),)
