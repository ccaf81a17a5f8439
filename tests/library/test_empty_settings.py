"""Settings of wsgi.py that are empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.errors import FunctionFailedError
from lambent.library.empty_settings import explain
from support.configs import load_config

NAMES = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "{}")\n'
APP = "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"


@pytest.mark.parametrize(
    ("settings", "environ", "what", "hint"),
    [
        ("", (), "the environment variable SECRET_KEY is not set", "--env DJANGO_SETTINGS_MODULE=shop.settings.dev"),
        ("", (), "'Settings' object has no attribute 'ROOT_URLCONF'", "--env DJANGO_SETTINGS_MODULE=shop.settings.dev"),
        ("from .base import *\n", (), "the environment variable SECRET_KEY is not set", "fix it"),
        ("", ("DJANGO_SETTINGS_MODULE=shop.settings",), "the environment variable SECRET_KEY is not set", "fix it"),
    ],
)
def test_settings_that_manage_uses_are_named(
    tmp_path: Path, settings: str, environ: tuple[str, ...], what: str, hint: str
) -> None:
    files = {
        "manage.py": NAMES.format("shop.settings.dev"),
        "shop/__init__.py": "",
        "shop/settings/__init__.py": settings,
        "shop/settings/dev.py": 'SECRET_KEY = "x"\n',
        "shop/wsgi.py": NAMES.format("shop.settings") + APP,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    error = FunctionFailedError(what, hint="fix it")
    explain(error, load_config(tmp_path, env=environ))
    assert error.hint == hint
