"""Projects whose imports start from a folder above."""

from __future__ import annotations

import subprocess
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
        "step4",
        {"step4/main.py": "from .models import y\n", "step4/models.py": ""},
        "step4.main:app",
    ),  # no __init__.py is needed
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
    assert error.value.hint == f"lambent deploy --app {spec} --name {folder.rpartition('/')[2]}"
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


@pytest.mark.parametrize("shared", ["shared/helpers.py", "layers/base/python/shared/helpers.py", "src/layer/shared/helpers.py"])
def test_code_that_functions_share_is_found_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: str) -> None:
    monkeypatch.chdir(tmp_path)
    code = "from shared.helpers import x\nfrom own import y\ndef lambda_handler(event, context):\n    return 1\n"
    write_project(tmp_path, {".git/HEAD": "", shared: "x = 1\n", "src/orders/app.py": code, "src/orders/own.py": "y = 2\n"})
    with pytest.raises(DetectionError, match="which is outside of this folder") as error:
        detect(tmp_path / "src/orders")
    start, spec = ("src", "orders.app:lambda_handler") if "layer/" in shared else (".", "src.orders.app:lambda_handler")
    assert error.value.hint == f"lambent deploy{'' if start == '.' else ' src'} --app {spec} --name orders"
    app = detect(tmp_path / start, spec)
    found = {f"{app.root}/own.py".removeprefix("./"), *app.shared_modules}
    assert {"src/orders/own.py".removeprefix(f"{start}/")} <= found
    assert shared.startswith("shared/") or any(each.endswith("/shared") for each in app.shared_modules)


def test_a_project_above_can_be_required(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {".git/HEAD": "", "pyproject.toml": '[project]\nname = "shop"\n', "big/__init__.py": ""}
    demo = {"examples/demo/app.py": f"import big\n{FLASK}", "examples/demo/requirements.txt": "flask\n"}
    write_project(tmp_path, files | demo)
    folder = tmp_path / "examples/demo"
    monkeypatch.chdir(folder)
    with pytest.raises(DetectionError, match="imports big from") as error:
        detect(folder)
    line, _, command = error.value.hint.partition(", or: ")
    assert command == "lambent deploy ../.. --app examples.demo.app:app --name examples-demo"
    assert line == "echo ../.. >> requirements.txt"
    (folder / "requirements.txt").write_text("flask")
    with pytest.raises(DetectionError) as error:
        detect(folder)
    subprocess.run(["/bin/sh", "-c", error.value.hint.partition(", or: ")[0]], check=True)
    assert (folder / "requirements.txt").read_text() == "flask\n../..\n"
    assert detect(folder).spec == "app:app"


def test_a_project_above_may_be_required_by_its_name(tmp_path: Path) -> None:
    files = {".git/HEAD": "", "pyproject.toml": '[project]\nname = "big-web"\n', "big/__init__.py": ""}
    demo = {"examples/demo/app.py": f"import big\n{FLASK}", "examples/demo/requirements.txt": "flask\nBig_Web>=1\n"}
    write_project(tmp_path, files | demo)
    assert detect(tmp_path / "examples/demo").spec == "app:app"


def test_example_below_the_library_that_it_imports_is_an_app_of_its_own(tmp_path: Path) -> None:
    library = {"pyproject.toml": "[project]\nname = 'Shop-Kit'\n", "shop_kit/__init__.py": ""}
    app = f"import shop_kit\n{FLASK}"
    write_project(tmp_path, {".git/HEAD": "", **library, "examples/hello/app.py": app, "shop_kit/demo/app.py": app})
    for requirements in ({}, {"examples/hello/requirements.txt": "flask\n"}):
        assert detect(write_project(tmp_path, requirements) / "examples/hello").spec == "app:app"
    with pytest.raises(DetectionError, match="which is outside of this folder"):
        detect(tmp_path / "shop_kit/demo")


@pytest.mark.parametrize("line", ["import requests", "try:\n    import shared\nexcept ImportError:\n    pass", "import json"])
def test_packages_and_guarded_imports_are_not_looked_for_above(tmp_path: Path, line: str) -> None:
    code = f"{line}\ndef lambda_handler(event, context):\n    return 1\n"
    names = ("requests", "shared", "json")
    write_project(tmp_path, {".git/HEAD": "", "orders/app.py": code, **{f"{name}.py": "" for name in names}})
    assert detect(tmp_path / "orders").spec == "app:lambda_handler"
