"""Explains Django's errors about settings that are empty, where wsgi.py names those and another file others."""

from __future__ import annotations

import re

from lambent.config.model import Config
from lambent.config.variables.missing_settings import empty_settings
from lambent.errors import LambentError

_IS_EMPTY = re.compile(r"SECRET_KEY|'Settings' object has no attribute 'ROOT_URLCONF'")


def explain(error: LambentError, config: Config) -> None:
    """Name the settings that another file uses in an error about settings of wsgi.py that have none."""
    settings = empty_settings(config) if _IS_EMPTY.search(f"{error.what} {error.detail}") else None
    if settings is not None:
        error.what = f"{settings[0]}, the settings of {config.app.module}, are empty; {settings[2]} uses {settings[1]}"
        error.hint = f"--env DJANGO_SETTINGS_MODULE={settings[1]}"
