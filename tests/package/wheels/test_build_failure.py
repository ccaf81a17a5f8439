"""The reason that a failed build printed."""

from __future__ import annotations

import pytest

from lambent.package.wheels.build_failure import Reason, explain


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (
            "  File \"<string>\", line 22\n  ModuleNotFoundError: No module named 'imp'\nhint: add imp",
            Reason("its build imports imp, which Python 3.12 removed", "--runtime python3.11", "3.12"),
        ),
        (
            "ModuleNotFoundError: No module named 'numpy'",
            Reason(
                "its build imports numpy, which it doesn't declare in [build-system] requires",
                cure='add the package with numpy to its pyproject.toml: [build-system] requires = ["setuptools", ...]',
            ),
        ),
        (
            "AttributeError: module 'configparser' has no attribute 'SafeConfigParser'. Did you mean: 'RawConfigParser'?",
            Reason("its build uses configparser.SafeConfigParser, which Python 3.12 removed", "--runtime python3.11", "3.12"),
        ),
        (
            "ImportError: cannot import name 'Mapping' from 'collections' (/usr/lib/python3.12/collections/__init__.py)",
            Reason("its build uses collections.Mapping, which Python 3.10 removed", "--runtime python3.9", "3.10"),
        ),
        (
            "ImportError: cannot import name 'Feature' from 'setuptools' (/builds/setuptools/__init__.py)",
            Reason(
                "its setup.py needs a setuptools older than 46, which doesn't run on Python 3.10 or later",
                "--runtime python3.9",
                "3.10",
            ),
        ),
        (
            "error in beautifulsoup4 setup command: use_2to3 is invalid.",
            Reason(
                "its setup.py needs a setuptools older than 58, which doesn't run on Python 3.12 or later",
                "--runtime python3.11",
                "3.12",
            ),
        ),
        (
            "x.c:1:10: fatal error: 'ldap.h' file not found",
            Reason("the header ldap.h is missing", "use a version, or a package, that has wheels"),
        ),
        (
            "x.c:1:10: fatal error: libpq-fe.h: No such file or directory",
            Reason("the header libpq-fe.h is missing", "use a version, or a package, that has wheels"),
        ),
        ("Error: pg_config executable not found.", Reason("its build needs pg_config")),
        (
            "AttributeError: 'xml.etree.ElementTree.Element' object has no attribute 'getiterator'",
            Reason("its build uses Element.getiterator of xml.etree, which Python 3.9 removed", "--runtime python3.8", "3.9"),
        ),
        ("ModuleNotFoundError: No module named 'ConfigParser'", Reason("its source is for Python 2")),
        ("SyntaxError: Missing parentheses in call to 'print'. Did you mean print(...)?", Reason("its source is for Python 2")),
        ("error: command '/bin/false' failed with exit code 1\nsetuptools.errors.CompileError: no", None),
        ("No working compiler found, or bogus compiler options\nValueError: no", None),
        ("nothing that lambent knows", None),
    ],
)
def test_reason(output: str, reason: Reason | None) -> None:
    assert explain(output) == reason
