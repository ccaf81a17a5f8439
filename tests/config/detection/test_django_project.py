"""What Django imports by its names."""

from __future__ import annotations

from pathlib import Path

from lambent.config.detection.django_project import start_modules
from lambent.config.detection.project_modules import ProjectModules
from support.detection import write_project

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
