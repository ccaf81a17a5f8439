"""Projects whose imports start from a folder above."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.errors import DetectionError
from support.detection import FLASK, detect, write_project

CASES = [
    ("step4", {"step4/main.py": "from step4.models import y\n", "step4/models.py": ""}, "step4.main:app"),
    ("step4", {"step4/src/main.py": "import step4.src.models\n", "step4/src/models.py": ""}, "step4.src.main:app"),
    ("step4", {"step4/main.py": "from step4 import y\n", "step4/__init__.py": "y = 1\n"}, "step4.main:app"),
    ("step4", {"step4/main.py": "from .models import y\n", "step4/__init__.py": "", "step4/models.py": ""}, "step4.main:app"),
    (
        "course/step4",
        {"course/step4/main.py": "from course.step4 import z\n", "course/step4/z.py": ""},
        "course.step4.main:app",
    ),
    (
        "web",
        {"web/main.py": "import sys\nsys.path.append('..')\nfrom common.util import x\n", "common/util.py": ""},
        "web.main:app",
    ),
]


@pytest.mark.parametrize(("folder", "files", "spec"), CASES)
def test_folder_above_is_named_and_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, files: dict[str, str], spec: str
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {name: text + FLASK if name.endswith("main.py") else text for name, text in files.items()}
    write_project(tmp_path, files)
    with pytest.raises(DetectionError) as error:
        detect(tmp_path / folder)
    assert error.value.hint == f"lambent deploy --app {spec}"
    assert detect(tmp_path, spec).spec == spec


@pytest.mark.parametrize(
    ("folder", "text"),
    [
        ("step-4", "from step_4.models import y\n"),  # no package can have the folder's name
        ("flask", "from flask import request\n"),  # an installed package of the same name
        ("web", "import sys\nsys.path.append('..')\nfrom common.util import x\n"),  # nothing is there
    ],
)
def test_folder_that_nothing_above_helps_is_left_alone(tmp_path: Path, folder: str, text: str) -> None:
    write_project(tmp_path, {f"{folder}/main.py": text + FLASK, f"{folder}/models.py": ""})
    assert detect(tmp_path / folder).spec == "main:app"
