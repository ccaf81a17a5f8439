"""Settings of Django that can't be executed are read as text."""

from __future__ import annotations

from typing import Any

import pytest

from lambent.config.django_literals import hosts_cure, read_literals


def read(text: str, **others: str) -> dict[str, Any]:
    files = {"shop/settings.py": text, **{f"shop/{name}.py": content for name, content in others.items()}}
    sources = {name: content.encode() for name, content in files.items()}
    return read_literals("shop.settings", sources.get)


@pytest.mark.parametrize(
    ("text", "debug", "allows"),
    [
        ("DEBUG = True\nALLOWED_HOSTS = []\n", True, False),
        ("DEBUG = False\nALLOWED_HOSTS = ['.on.aws']\n", False, True),
        ("ALLOWED_HOSTS = ('*',)\n", False, True),
        ("ALLOWED_HOSTS = ['example.com']\n", False, False),
        ("DEBUG = config('DEBUG')\nALLOWED_HOSTS = config('HOSTS')\n", False, False),
        ("from .base import *\nDEBUG = False\n", False, False),
        ("DEBUG = False\nfrom .base import *\n", True, False),
        ("syntax error", False, True),
        ("HOSTS = []\nALLOWED_HOSTS = some_function(HOSTS)\n", False, True),
        ("ALLOWED_HOSTS: list[str] = ['a'] + ['b']\n", False, False),
        ("ALLOWED_HOSTS = ['a']\nALLOWED_HOSTS += ['.on.aws']\n", False, True),
        ("ALLOWED_HOSTS = []\nif X:\n    ALLOWED_HOSTS = ['*']\n", False, True),
        ("ALLOWED_HOSTS = []\nif X:\n    ALLOWED_HOSTS.append('a')\n", False, True),
        ("DEBUG = True\nif X:\n    DEBUG = False\n", False, True),
        ("ALLOWED_HOSTS = []\ntry:\n    from .base import *\nexcept ImportError:\n    pass\n", False, True),
        ("ALLOWED_HOSTS = []\ntry:\n    from .local import *\nexcept ImportError:\n    pass\n", False, False),
        ("ALLOWED_HOSTS = []\ndjango_heroku.settings(locals())\n", False, True),
    ],
)
def test_literals_of_settings(text: str, debug: bool, allows: bool) -> None:
    report = read(text, base="DEBUG = True\nALLOWED_HOSTS = ['example.com']\n")
    assert (report["debug"], report["allows"]) == (debug, allows)


@pytest.mark.parametrize(
    ("text", "variable", "allows"),
    [
        ("ALLOWED_HOSTS = config('HOSTS', default='localhost,127.0.0.1', cast=Csv())", "HOSTS", False),
        ("ALLOWED_HOSTS = config('HOSTS', default='localhost, *', cast=Csv())", "HOSTS", True),
        ("ALLOWED_HOSTS = env.list('HOSTS', default=['localhost'])", "HOSTS", False),
        ("env = Env(HOSTS=(list, ['*']))\nALLOWED_HOSTS = env('HOSTS')", "HOSTS", True),
        ("ALLOWED_HOSTS = os.environ['HOSTS'].split(',')", "HOSTS", False),
        ("ALLOWED_HOSTS = ['a'] + os.getenv('HOSTS', 'a b').split()", "HOSTS", False),
        ("names = os.environ.get('HOSTS', '')\nALLOWED_HOSTS = [n for n in names.split(',') if n]", "HOSTS", False),
        ("ALLOWED_HOSTS = ['a.com'] if os.environ.get('LIVE') else ['localhost']", "", True),
        ("ALLOWED_HOSTS = os.environ.get('HOSTS').split(',') if os.environ.get('LIVE') else []", "HOSTS", False),
    ],
)
def test_hosts_from_the_environment(text: str, variable: str, allows: bool) -> None:
    report = read(text)
    assert (report["variable"], report["allows"]) == (variable, allows)
    if not allows:
        assert hosts_cure(report) == f"--env {variable}='*'"
        cured = read_literals("shop.settings", {"shop/settings.py": text.encode()}.get, {variable: "*"})
        assert cured["allows"]


def test_value_that_the_function_gets_counts_instead_of_the_default() -> None:
    text = {"shop/settings.py": b"ALLOWED_HOSTS = os.environ.get('HOSTS', '*').split(',')"}
    assert not read_literals("shop.settings", text.get, {"HOSTS": "example.com,localhost"})["allows"]
    assert read_literals("shop.settings", text.get, {"HOSTS": "example.com,.on.aws"})["allows"]
    assert read_literals("shop.settings", text.get, {}, ["HOSTS"])["allows"]  # a secret: who knows


def test_settings_and_their_files_are_named_where_they_are_set() -> None:
    report = read("from .base import *\nDEBUG = True\n", base="ALLOWED_HOSTS = ['example.com']\n")
    assert (report["settings"], report["debug_settings"]) == ("shop/base.py", "shop/settings.py")
    assert hosts_cure(report) == 'ALLOWED_HOSTS = ["example.com", ".on.aws", ".localhost"]'


def test_package_of_settings_is_named_by_its_file() -> None:
    text = b"from .base import *\ntry:\n    from .local import *\nexcept ImportError:\n    pass\n"
    files = {"shop/settings/__init__.py": text} | dict.fromkeys(
        ("shop/settings/base.py", "shop/settings/local.py"), b"DEBUG = True\n"
    )
    assert read_literals("shop.settings", files.get)["debug_settings"] == "shop/settings/__init__.py"
