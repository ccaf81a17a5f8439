"""What Django imports by its names."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.config.detection.detect import find_app
from lambent.config.detection.django_project import settings_named_in, start_modules
from lambent.config.detection.project_modules import ProjectModules
from lambent.config.project import find_project
from support.detection import detect, write_project

BASE = """\
DJANGO_APPS = (
    'django.contrib.auth',  # accounts
    # 'django.contrib.admin',
)
INSTALLED_APPS = [
    *DJANGO_APPS, "rest_framework", "blog.apps.BlogConfig",
]
MIDDLEWARE = []
MIDDLEWARE += [

    "whitenoise.middleware.WhiteNoiseMiddleware",
]
DEV_APPS = ["silk"]
if DEBUG:
    INSTALLED_APPS += DEV_APPS
    INSTALLED_APPS += ["debug_toolbar"]
ROOT_URLCONF = 'site1.urls'
"""
FILES = {
    "site1/__init__.py": "",
    "site1/wsgi.py": 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "site1.settings.dev")\n',
    "site1/settings/__init__.py": "",
    "site1/settings/base.py": BASE,
    "site1/settings/dev.py": "from .base import *\nINSTALLED_APPS += ['pages']\n",
}


def test_installed_apps_their_models_middleware_and_the_urls_are_imported_at_start(tmp_path: Path) -> None:
    write_project(tmp_path, FILES)
    modules = ProjectModules(tmp_path)
    starts = start_modules(modules, "site1.wsgi", ".")
    assert starts[0] == "site1.settings.dev"
    apps = [name for name in starts if not name.endswith((".apps", ".models"))]
    assert sorted(apps[1:]) == ["blog", "django.contrib.auth", "pages", "rest_framework", "site1.urls", "whitenoise.middleware"]
    assert {"blog.apps", "blog.models", "rest_framework.models"} <= set(starts)
    assert start_modules(modules, "site1.wsgi", ".", "site1.settings.base")[0] == "site1.settings.base"
    assert start_modules(modules, "site1.settings", ".") == []


WSGI = "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"
TWO = {f"{name}/{file}.py": WSGI if file == "wsgi" else "" for name in ("a", "b") for file in ("__init__", "settings", "wsgi")}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (".env", "export DJANGO_SETTINGS_MODULE='b.settings'\n"),
        ("pytest.ini", "[pytest]\nDJANGO_SETTINGS_MODULE = b.settings\n"),
        ("pyproject.toml", '[tool.django-stubs]\ndjango_settings_module = "b.settings"\n'),
        ("Dockerfile", "FROM python:3.13\nENV DJANGO_SETTINGS_MODULE b.settings\nCMD python manage.py runserver\n"),
        ("docker-compose.yml", "services:\n  web:\n    environment:\n      DJANGO_SETTINGS_MODULE: b.settings\n"),
    ],
)
def test_settings_that_a_file_names_decide_between_projects(tmp_path: Path, file: str, text: str) -> None:
    assert detect(write_project(tmp_path, TWO | {file: text})).spec == "b.wsgi:application"


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("os.environ['DJANGO_SETTINGS_MODULE'] = 'a.settings'", "a.settings"),
        (
            "name = 'a.production' if 'WEBSITE_HOSTNAME' in os.environ else 'a.settings'\n"
            "os.environ.setdefault('DJANGO_SETTINGS_MODULE', name)",
            "a.settings",
        ),
        (
            "def main():\n    if os.getenv('LIVE'):\n        name = 'a.live'\n    else:\n        name = 'a.dev'\n"
            "    os.environ['DJANGO_SETTINGS_MODULE'] = name",
            "a.dev",
        ),
        ("os.environ['DJANGO_SETTINGS_MODULE'] = given\nos.environ['DJANGO_SETTINGS_MODULE'] = 'a.settings'", "a.settings"),
        ("os.environ.setdefault('DJANGO_SETTINGS_MODULE', name())", ""),
        ("os.environ.setdefault('DJANGO_SETTINGS_MODULE', name)", ""),
    ],
)
def test_settings_that_a_start_names_itself_or_by_a_variable(text: str, settings: str) -> None:
    assert settings_named_in(text) == settings


MANAGE = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'example.settings')\n"


@pytest.mark.parametrize("folder", ["", "src/"])
@pytest.mark.parametrize("settings", ["ROOT_URLCONF = 'example.urls'\n", "from .base import *\n"])
def test_app_of_a_project_without_wsgi_is_the_one_that_runserver_makes(tmp_path: Path, folder: str, settings: str) -> None:
    files = {"manage.py": MANAGE, "example/settings.py": settings, "example/base.py": "ROOT_URLCONF = 'example.urls'\n"}
    files |= {"example/__init__.py": "", "example/tasks.py": "from celery import Celery\napp = Celery()\n"}
    app = detect(write_project(tmp_path, {f"{folder}{name}": text for name, text in files.items()}))
    assert app.handler == "example.settings:django.core.wsgi.get_wsgi_application()"
    assert (app.kind, app.root) == ("wsgi", folder.rstrip("/") or ".")


def test_settings_that_a_variable_names_come_first(tmp_path: Path) -> None:
    project = find_project(write_project(tmp_path, TWO | {"pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE = b.settings\n"}))
    assert find_app(project, None, {"DJANGO_SETTINGS_MODULE": "a.settings"}).spec == "a.wsgi:application"
