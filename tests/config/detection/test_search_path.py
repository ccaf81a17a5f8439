"""Folders that a file adds to `sys.path`."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.config.detection.import_graph import locate
from lambent.config.detection.project_modules import ProjectModules
from lambent.config.detection.search_path import read_added_folders
from support.detection import FLASK, detect, write_project


@pytest.mark.parametrize(
    ("line", "folder"),
    [
        ("sys.path.insert(0, 'src')", "src"),
        ("sys.path.append('./src')", "src"),
        ("sys.path.append(os.path.join(os.path.dirname(__file__), '..'))", "."),
        ("sys.path.append(os.path.abspath(os.path.join(dirname(__file__), os.pardir, 'lib')))", "lib"),
        ("sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))", "."),
        ("sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'lib'))", "lib"),
        ("sys.path.insert(0, Path(__file__).parents[1].joinpath('lib').as_posix())", "lib"),
        ("ROOT = Path(__file__).parent\nsys.path.insert(0, str(ROOT / 'lib'))", "web/lib"),
        ("sys.path.extend([os.getcwd() + '/lib'])", "lib"),
        ("site.addsitedir('lib')", "lib"),
        ("sys.path.append('/opt/lib')", "/opt/lib"),
        ("sys.path.append(os.environ['EXTRA'])", None),
        ("sys.path.append(name)", None),
        ("if (:\nsys.path.append('lib')", None),
    ],
)
def test_added_folder(tmp_path: Path, line: str, folder: str | None) -> None:
    write_project(tmp_path, {"web/main.py": f"import os, sys\n{line}\n"})
    expected = [] if folder is None else [Path(tmp_path, folder)]
    assert read_added_folders(tmp_path / "web/main.py", tmp_path) == expected


def test_imports_from_an_added_folder_are_the_apps_own(tmp_path: Path) -> None:
    files = {
        "main.py": "import sys\nsys.path.insert(0, 'my-code')\nfrom made import app\n",
        "my-code/made.py": f"import helper\n{FLASK}",  # made.py doesn't add the folder itself
        "my-code/helper.py": "x = 1\n",
    }
    app = detect(write_project(tmp_path, files))
    assert (app.spec, app.kind, app.root) == ("main:app", "wsgi", ".")
    modules = ProjectModules(tmp_path)
    _, graph = locate(modules, modules.at(tmp_path / "main.py"))
    assert [path.name for path in graph.files] == ["main.py", "made.py", "helper.py"]
