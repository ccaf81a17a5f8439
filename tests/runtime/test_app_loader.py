"""Handler strings and the objects they name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lambent.runtime.app_loader import load_app
from lambent.runtime.fault import Fault

SOURCE = """
from json import dumps
class Holder:
    def app(self): return "held"
holder = Holder()
def create(*args, **kwargs): return args, kwargs
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "loaded_app.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "loaded_app", raising=False)
    return "loaded_app"


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        (".create()", ((), {})),
        (":create({})", (({},), {})),
        (":create('a.b',debug=False)", (("a.b",), {"debug": False})),
        (":create({'a':1})", (({"a": 1},), {})),
        (":holder.app()", "held"),
        (":json.dumps('x')", '"x"'),  # of a package that the module imports from
        (":json.tool.__name__", "json.tool"),  # of a module in it that nothing has imported
        (":tabnanny.check.__name__", "check"),  # of a module that the app doesn't import
    ],
)
def test_handler_string_names_an_object(module: str, attribute: str, expected: object) -> None:
    assert load_app(module + attribute) == expected


@pytest.mark.parametrize("attribute", [".missing", ":missing.app", ":holder.missing()", ":json.missing"])
def test_missing_name_is_a_fault(module: str, attribute: str) -> None:
    with pytest.raises(Fault, match="missing on module"):
        load_app(module + attribute)
