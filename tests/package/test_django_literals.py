"""Settings of Django that can't be executed are read as text."""

from __future__ import annotations

from typing import Any

import pytest

from lambent.package.django_literals import read_literals
from lambent.package.layout import SourceFile


def read(text: str, **others: str) -> dict[str, Any]:
    files = {"shop/settings.py": text, **{f"shop/{name}.py": content for name, content in others.items()}}
    sources = {name: SourceFile.generated(name, content.encode()) for name, content in files.items()}
    return read_literals("shop.settings", sources)


@pytest.mark.parametrize(
    ("text", "debug", "allows"),
    [
        ("DEBUG = True\nALLOWED_HOSTS = []\n", True, False),
        ("DEBUG = False\nALLOWED_HOSTS = ['.on.aws']\n", False, True),
        ("ALLOWED_HOSTS = ('*',)\n", False, True),
        ("ALLOWED_HOSTS = ['example.com']\n", False, False),
        ("DEBUG = config('DEBUG')\nALLOWED_HOSTS = config('HOSTS')\n", False, True),
        ("from .base import *\nDEBUG = False\n", False, False),
        ("DEBUG = False\nfrom .base import *\n", True, False),
        ("syntax error", False, True),
    ],
)
def test_literals_of_settings(text: str, debug: bool, allows: bool) -> None:
    report = read(text, base="DEBUG = True\nALLOWED_HOSTS = ['example.com']\n")
    assert (report["debug"], report["allows"]) == (debug, allows)
