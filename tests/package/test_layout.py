"""Where the project's files land in the zip."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.config.model import App
from lambent.package.layout import SourceFile, arrange

FILES = ("app/__init__.py", "app/app.py", "app/util.py")
TOP = ("__init__.py", "app.py", "util.py")


@pytest.mark.parametrize(
    ("module", "root", "expected"),
    [
        ("app.app", ".", FILES),  # uvicorn app.app:app
        ("app.app", "app", (*FILES, *TOP)),  # the same, where app.py has `import util`
        ("app", "app", ("app/app.py", "app/util.py", *TOP)),  # cd app && uvicorn app:app: the package would hide app.py
    ],
)
def test_module_with_the_name_of_its_folder(module: str, root: str, expected: tuple[str, ...]) -> None:
    files = {name: SourceFile(Path(name)) for name in FILES}
    layout = arrange((), {}, files, App(module, "app", "wsgi", root))
    assert [name for name, _ in layout.files] == sorted(expected)


def test_modules_beside_the_app_are_importable_unless_the_top_has_them() -> None:
    names = ("app.py", "a/python/common/__init__.py", "a/python/other.py", "b/tools.py", "common/x.py", "tools.py")
    files = {name: SourceFile(Path(name)) for name in names}
    app = App("app", "handler", "handler", shared_modules=("a/python/common", "b/tools.py"))
    placed = dict(arrange((), {}, files, app).files)
    assert placed["common/__init__.py"].path == Path("a/python/common/__init__.py")
    assert placed["tools.py"].path == Path("tools.py") and "other.py" not in placed
