"""`lambent build`, as a user types it."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

HANDLER = "def lambda_handler(event, context):\n    return 1\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "lambda_function.py").write_text(HANDLER)
    return folder


def typed(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command in that folder, with a cache of its own, no AWS credentials and no local Lambda."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMBENT_"))}
    environ = kept | {"LAMBENT_CACHE": str(folder.parent / "cache"), "LAMBENT_STATE": "/nonexistent", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "lambent", "build", *words]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60)


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as found:
        assert found.testzip() is None
        return [name for name in found.namelist() if not name.endswith(".pyc")]


def test_the_path_alone_is_on_stdout(project: Path) -> None:
    done = typed(project)
    path = Path(done.stdout.removesuffix("\n"))
    assert done.returncode == 0 and path.parent == project.parent / "cache/zips"
    assert names(path) == ["lambda_function.py"]
    assert "what takes the room" in done.stderr and "your files" in done.stderr
    assert "handler lambda_function.lambda_handler" in done.stderr
    assert typed(project).stdout == done.stdout


def test_every_flag_at_once(project: Path) -> None:
    out, page = project.parent / "out.zip", project.parent / "size.html"
    done = typed(project, "--target", "python3.13-arm64", "-o", str(out), "--report", str(page), "--show-files", "--json")
    told = {line["event"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 0 and not done.stderr
    assert names(out) == ["lambda_function.py"]
    packed = told["Packed"]
    assert (packed["path"], packed["runtime"], packed["architecture"]) == (str(out), "python3.13", "arm64")
    assert (packed["handler"], packed["zipped"]) == ("lambda_function.lambda_handler", out.stat().st_size)
    assert packed["phases"][-1]["seconds"] > 0
    assert "lambda_function.py" in [file["name"] for file in told["FilesListed"]["files"]]
    assert sum(share["packed"] for share in told["SizesListed"]["shares"]) < packed["zipped"]
    assert page.read_text().startswith("<!doctype html>")
    assert list(told)[-1] == "Packed"


def test_files_are_listed_on_stderr(project: Path) -> None:
    done = typed(project, "--show-files")
    assert "lambda_function.py  (your files)" in done.stderr and len(done.stdout.splitlines()) == 1


def test_the_zip_in_the_project_is_not_in_the_zip(project: Path) -> None:
    first = typed(project, "-o", "app.zip")
    again = typed(project, "-o", "app.zip")
    assert first.returncode == again.returncode == 0
    assert names(project / "app.zip") == ["lambda_function.py"]
    assert "app.zip is in the project, and the next zip would hold it" in again.stderr
    (project / ".lambentignore").write_text("/app.zip\n")
    assert "next zip" not in typed(project, "-o", "app.zip").stderr
    assert [path.name for path in project.iterdir() if path.name.startswith(".app")] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-o", "no/such/app.zip"), "error: no such folder: no/such\n  at   --output\n  try  mkdir -p no/such\n"),
        (("-o", "."), "error: . is a folder\n"),
        (("-o", "lambda_function.py"), "error: lambda_function.py exists, and isn't a file of the same kind\n"),
        (("--report", "lambda_function.py"), "  at   --report\n"),
        (("--target", "python3.13-arm46"), "  try  did you mean python3.13-arm64?\n"),
        (("--layer", "--prove"), "error: only a whole function can be tried out\n"),
        (("--layer", "--no-dependencies"), "error: a layer has nothing but dependencies\n"),
        (("nowhere",), "error: no such file or folder: nowhere\n"),
        (("--memory", "1"), "no such option"),
    ],
)
def test_what_cannot_be_is_said_before_any_work(project: Path, words: tuple[str, ...], told: str) -> None:
    done = typed(project, *words)
    assert done.returncode == 2 and not done.stdout
    assert told in done.stderr
    assert (project / "lambda_function.py").read_text() == HANDLER
    assert not (project.parent / "cache").exists()


def test_a_failure_is_told_as_json_too(project: Path) -> None:
    (project / "requirements.txt").write_text("cowsay ==== 3\n")
    done = typed(project, "--json", "-o", "../out.zip")
    assert done.returncode == 1
    assert json.loads(done.stdout.splitlines()[-1])["event"] == "Failed"
    assert not (project.parent / "out.zip").exists()


def test_the_machine_by_its_own_flag(project: Path) -> None:
    done = typed(project, "--arch", "arm64", "--runtime", "3.13", "--json")
    packed = json.loads(done.stdout.splitlines()[-1])
    assert (packed["runtime"], packed["architecture"]) == ("python3.13", "arm64")


def test_the_app_is_tried_out(project: Path) -> None:
    here = ("--runtime", f"{sys.version_info[0]}.{sys.version_info[1]}", "--arch", platform.machine())
    done = typed(project, "--prove", *here)
    assert done.returncode == 0 and "the app starts in" in done.stderr and "trial" in done.stderr
    (project / "lambda_function.py").write_text("import json\njson.loads('[')\n" + HANDLER)
    done = typed(project, "--prove", *here, "-o", "../out.zip")
    assert done.returncode == 1 and not done.stdout and not (project.parent / "out.zip").exists()
    assert "error: the app does not start: " in done.stderr and "Expecting value" in done.stderr
    other = "arm64" if platform.machine() == "x86_64" else "x86_64"
    assert f"not tried out: this machine cannot run code for {other}" in typed(project, "--prove", "--arch", other).stderr
