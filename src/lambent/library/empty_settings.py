"""Explains Django's errors about settings that are empty, where wsgi.py names those and manage.py others."""

from __future__ import annotations

import re

from lambent.config.detection.django_project import settings_module
from lambent.config.detection.project_modules import ProjectModules
from lambent.config.model import Config
from lambent.errors import LambentError

_IS_EMPTY = re.compile(r"SECRET_KEY|'Settings' object has no attribute 'ROOT_URLCONF'")
_HAS_SETTINGS = re.compile(r"SECRET_KEY|ROOT_URLCONF|import \*")


def explain(error: LambentError, config: Config) -> None:
    """Name the settings that manage.py uses in an error about settings of wsgi.py that have none."""
    settings = _settings(config) if _IS_EMPTY.search(f"{error.what} {error.detail}") else None
    if settings is not None:
        error.what = f"{settings[0]}, the settings of {config.app.module}, are empty; manage.py uses {settings[1]}"
        error.hint = f"--env DJANGO_SETTINGS_MODULE={settings[1]}"


def _settings(config: Config) -> tuple[str, str] | None:
    """Return the settings that the app names, if they are empty, and those that manage.py names."""
    if not config.path.is_dir() or "DJANGO_SETTINGS_MODULE" in dict(config.environment):
        return None
    modules, roots = ProjectModules(config.path), [config.app.root]
    module = modules.find(config.app.module, roots)
    app_settings = settings_module([module.path]) if module is not None else ""
    manage_settings = settings_module([config.path / config.app.root / "manage.py"])
    settings = modules.find(app_settings, roots)
    if settings is None or app_settings == manage_settings or modules.find(manage_settings, roots) is None:
        return None
    return None if _HAS_SETTINGS.search(settings.path.read_text("utf-8-sig", "replace")) else (app_settings, manage_settings)
