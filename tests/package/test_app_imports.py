"""Which of a few modules an app's files import."""

from __future__ import annotations

import pytest

from lambent.package.app_imports import imported_modules
from lambent.package.layout import SourceFile


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (b"import os, gevent.monkey as monkey, cgi  # and uwsgi\n", {"gevent", "cgi"}),
        (b"import flask,gevent\n", {"gevent"}),
        (b"def start():\n    from gevent import cgi\n", {"gevent"}),
        (b"import mygevent, gevents\nx = 'import gevent'\n# import gevent\nfrom os import cgi\n", set()),
    ],
)
def test_statements_that_import_modules(source: bytes, names: set[str]) -> None:
    files = {"main.py": SourceFile.generated("main.py", source), "notes.txt": SourceFile.generated("notes.txt", b"import cgi")}
    assert imported_modules(files, frozenset(("gevent", "cgi", "uwsgi"))) == names
