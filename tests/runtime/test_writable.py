"""Apps that write next to their code: the copy in /tmp that they run from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lambent.config.model import App
from lambent.package.layout import SourceFile, arrange
from lambent.package.vendor import runtime_files

APP = """\
import json, os, sys
from shop import names
def app(environ, start_response): ...
print(json.dumps({"cwd": os.getcwd(), "file": __file__, "package": names.__file__, "path": sys.path[0], "text": names.read()}))
open("written.txt", "w").write("x")
with open(names.BESIDE, "a") as file: file.write("!")
"""
SEEN = "import json\nprint(json.dumps({'cwd': os.getcwd(), 'file': __file__, 'package': names.__file__}))\n"
NAMES = """\
from pathlib import Path
BESIDE = Path(__file__).parent / "data" / "names.txt"
def read(): return BESIDE.read_text()
"""
START = "from lambent_runtime import startup\nfrom lambent_runtime.log import Log\nstartup.start_app('main.app', Log())\n"


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """A folder like /var/task, with a package that isn't the app's own."""
    folder = tmp_path / "task"
    own = {"main.py": APP, "shop/__init__.py": "", "shop/names.py": NAMES, "shop/data/names.txt": "apple"}
    for name, text in own.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        (folder / name).chmod(0o444)
    (folder / "dependency.py").write_text("")
    files = {name: SourceFile(folder / name) for name in own}
    for name, file in arrange((), runtime_files(), files, App("main", "app", "wsgi")).files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(file.read())
    (tmp_path / "tmp").mkdir()
    return folder


def start(task: Path, **variables: str) -> dict[str, str]:
    temporary = str(task.with_name("tmp"))
    environ = {**os.environ, "LAMBDA_TASK_ROOT": str(task), "TMPDIR": temporary}
    environ |= variables or {"LAMBENT_WRITABLE": "1"}
    result = subprocess.run([sys.executable, "-c", START], cwd=task, env=environ, check=True, capture_output=True, text=True)
    return json.loads(result.stdout.splitlines()[0])  # type: ignore[no-any-return]


@pytest.mark.parametrize("writable", ["", "1"])
def test_app_below_a_folder_knows_the_files_above_it(task: Path, writable: str) -> None:
    (task / "shop/main.py").write_text("import os, names\ndef app(environ, start_response): ...\n" + SEEN)
    own = task / "lambent_runtime/own_files"
    own.write_text(f"{own.read_text()}shop/main.py\0")
    top = task.with_name("tmp") / "app" if writable else task
    seen = start(task, LAMBENT_ROOT="shop", LAMBENT_WRITABLE=writable)
    assert seen == {"cwd": str(top), "file": f"{top}/shop/main.py", "package": f"{top}/shop/names.py"}


def test_the_app_runs_from_a_copy_of_its_own_files(task: Path) -> None:
    copy = task.with_name("tmp") / "app"
    seen = start(task)
    assert seen == {
        "cwd": str(copy),
        "file": f"{copy}/main.py",
        "package": f"{copy}/shop/names.py",
        "path": str(copy),
        "text": "apple",
    }
    assert (copy / "written.txt").read_text() == "x"
    assert not (copy / "dependency.py").exists() and not (copy / "lambent_runtime").exists()
    assert not (task / "written.txt").exists() and (task / "shop/data/names.txt").read_text() == "apple"


def test_folder_of_modules_is_one_package_unless_a_dependency_has_a_part_of_it(task: Path) -> None:
    program = "import json, blog\ndef app(environ, start_response): ...\nprint(json.dumps({'blog': ' '.join(blog.__path__)}))\n"
    own = {"main.py": program, "blog/models.py": "", "vendor/ours.py": ""}
    for name, text in (own | {"vendor/theirs.py": ""}).items():
        (task / name).parent.mkdir(exist_ok=True)
        (task / name).unlink(missing_ok=True)
        (task / name).write_text(text)
    (task / "lambent_runtime/own_files").write_text("".join(f"{name}\0" for name in own))
    copy = task.parent / "tmp" / "app"
    assert start(task) == {"blog": str(copy / "blog")}
    assert not (copy / "vendor/__init__.py").exists(), "vendor has a part in the task's folder"


def test_a_process_that_follows_a_crash_finds_what_was_written(task: Path) -> None:
    start(task)
    assert start(task)["text"] == "apple!"


def test_a_zip_without_the_list_of_own_files_is_an_error(task: Path) -> None:
    (task / "lambent_runtime/own_files").unlink()
    with pytest.raises(subprocess.CalledProcessError) as failed:
        start(task)
    assert "lambent build" in failed.value.stderr
