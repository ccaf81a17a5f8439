"""Refuses a start that names settings of Django which aren't there: those of one developer are often not in the repository."""

from __future__ import annotations

import re
from pathlib import Path

from lambent.config.detection.django_project import settings_module
from lambent.config.detection.project_modules import ProjectModules
from lambent.config.model import Config
from lambent.errors import UsageError
from lambent.units import listing

_VARIABLE = "DJANGO_SETTINGS_MODULE"
_SETTINGS = re.compile(r"(?m)^(?:INSTALLED_APPS|DATABASES|DEBUG|ALLOWED_HOSTS|ROOT_URLCONF|SECRET_KEY)\b|^from \S+ import \*")
_FOR_OTHERS = re.compile(r"test|ci$|dev|local|example")
"""Settings that hardly are those of a deployed app."""


def refuse_missing_settings(config: Config) -> None:
    """Raise UsageError if the app names a module of settings that isn't here, next to others that are."""
    modules = ProjectModules(config.folder)
    start = modules.of_app(config.app) if config.app.kind != "handler" else None
    if start is None:
        return
    settings = settings_module([start.path], dict(config.environment).get(_VARIABLE, ""))
    package, _, name = settings.rpartition(".")
    roots = list(dict.fromkeys((config.app.root, *modules.roots)))
    if not package or modules.find(settings, roots):
        return
    folder = next((path for root in roots if (path := config.folder / root / package.replace(".", "/")).is_dir()), None)
    others = _settings_in(folder) if folder is not None else []
    if folder is None or not others:
        return
    value = f"{package}.{others[0]}"
    file, parent = modules.relative(start.path), modules.relative(folder)
    is_default = f'setdefault("{_VARIABLE}"' in start.path.read_text("utf-8-sig", "replace").replace("'", '"').replace(" ", "")
    hint = f"--env {_VARIABLE}={value}" if is_default else f'in {file}, os.environ["{_VARIABLE}"] = "{value}"'
    what = f"the app starts with the settings {settings}, but {parent}/ has no {name}.py, only {listing(others)}"
    raise UsageError(what, where=file, hint=hint)


def _settings_in(folder: Path) -> list[str]:
    """Return the names of the modules of settings in a folder, those for a deployed app first."""
    files = (file for file in folder.glob("*.py") if file.stem != "__init__")
    names = sorted(file.stem for file in files if _SETTINGS.search(file.read_text("utf-8-sig", "replace")))
    return sorted(names, key=lambda name: (_FOR_OTHERS.search(name) is not None, "prod" not in name))
