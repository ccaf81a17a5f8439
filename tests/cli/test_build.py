"""`lambent build` as a user types it."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from support import forked

HANDLER = "def lambda_handler(event, context):\n    return 1\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "lambda_function.py").write_text(HANDLER)
    return folder


def run_build(folder: Path, *options: str, cache: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command in that folder, with its own cache, no AWS credentials and no local Lambda."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMBENT_"))}
    cache = cache or str(folder.parent / "cache")
    environ = inherited | {"LAMBENT_CACHE": cache, "LAMBENT_STATE": "/nonexistent", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "lambent", "build", *options]
    return forked.run(command, cwd=folder, env=environ)


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return [name for name in archive.namelist() if not name.endswith(".pyc")]


def test_only_the_path_is_printed_on_stdout(project: Path) -> None:
    build = run_build(project)
    path = Path(build.stdout.removesuffix("\n"))
    assert build.returncode == 0 and path.parent == project.parent / "cache/zips"
    assert names(path) == ["lambda_function.py"]
    assert "package" in build.stderr and "unpacked" in build.stderr and "your files" in build.stderr
    assert "handler lambda_function.lambda_handler" in build.stderr
    assert run_build(project).stdout == build.stdout


def test_build_of_an_edited_app_imports_little(project: Path) -> None:
    (project / "requirements.txt").write_text("cowsay==6.1\n")
    run_build(project, "--runtime", "python3.12")
    (project / "lambda_function.py").write_text(f"{HANDLER}# edited\n")
    code = """
import atexit, sys
from lambent.cli.main import run
sys.argv[1:] = ["build", "--runtime", "python3.12"]
heavy = ("packaging", "urllib3", "ssl", "csv", "logging", "botocore", "lambent.config.variables.unset")
atexit.register(lambda: print([name for name in heavy if name in sys.modules]))
run()
"""
    environ = {**os.environ, "LAMBENT_CACHE": str(project.parent / "cache")}
    process = subprocess.run([sys.executable, "-c", code], cwd=project, env=environ, capture_output=True, text=True, timeout=60)
    assert (process.returncode, process.stdout.splitlines()[-1]) == (0, "[]"), process.stderr


@pytest.mark.parametrize("option", ((), ("--cache-dir", "../own")))
def test_a_relative_cache_folder_works(project: Path, option: tuple[str, ...]) -> None:
    (project / "requirements.txt").write_text("cowsay==6.1\n")
    build = run_build(project, *option, cache="../relative")
    assert build.returncode == 0, build.stderr
    cache = project.parent / ("own" if option else "relative")
    assert Path(build.stdout.strip()).parent == cache / "zips"
    assert "cowsay/__init__.py" in names(Path(build.stdout.strip()))


def test_all_flags_work_together(project: Path) -> None:
    out, page = project.parent / "out.zip", project.parent / "size.html"
    build = run_build(project, "--target", "python3.13-arm64", "-o", str(out), "--report", str(page), "--show-files", "--json")
    lines = {line["event"]: line for line in map(json.loads, build.stdout.splitlines())}
    assert build.returncode == 0 and not build.stderr
    assert names(out) == ["lambda_function.py"]
    packed = lines["Packed"]
    assert (packed["path"], packed["runtime"], packed["architecture"]) == (str(out), "python3.13", "arm64")
    assert (packed["handler"], packed["zipped"]) == ("lambda_function.lambda_handler", out.stat().st_size)
    assert packed["phases"][-1]["seconds"] > 0
    assert "lambda_function.py" in [file["name"] for file in lines["FilesListed"]["files"]]
    assert sum(package["packed"] for package in lines["SizesListed"]["sizes"]) < packed["zipped"]
    assert page.read_text().startswith("<!doctype html>")
    assert list(lines)[-1] == "Packed"


def test_files_are_listed_on_stderr(project: Path) -> None:
    build = run_build(project, "--show-files")
    assert "lambda_function.py  (your files)" in build.stderr and len(build.stdout.splitlines()) == 1


def test_a_layer_needs_no_app(project: Path) -> None:
    (project / "lambda_function.py").unlink()
    (project / "requirements.txt").write_text("cowsay==6.1\n")
    build = run_build(project, "--layer", "--runtime", f"python{sys.version_info[0]}.{sys.version_info[1]}")
    assert build.returncode == 0 and "no app found, so the packages are checked on their own" in build.stderr
    with zipfile.ZipFile(build.stdout.strip()) as archive:
        packed = archive.namelist()
    assert {name.split("/")[0] for name in packed} == {"python"} and "python/cowsay/main.py" in packed
    assert any(name.startswith("python/cowsay/__pycache__/main.") for name in packed), "any module may be an app's first"
    assert "no app found: no Python files here" in run_build(project).stderr
    assert "no module shop" in run_build(project, "--layer", "--app", "shop:app").stderr


def test_a_zip_in_the_project_does_not_contain_itself(project: Path) -> None:
    first = run_build(project, "-o", "app.zip")
    second = run_build(project, "-o", "app.zip")
    assert first.returncode == second.returncode == 0
    assert names(project / "app.zip") == ["lambda_function.py"]
    assert "app.zip is in the project, so the next zip would contain it" in second.stderr
    (project / ".lambentignore").write_text("/app.zip\n")
    assert "next zip" not in run_build(project, "-o", "app.zip").stderr
    assert [path.name for path in project.iterdir() if path.name.startswith(".app")] == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-o", "no/such/app.zip"), "error: no such folder: no/such\n  at   --output\n  try  mkdir -p no/such\n"),
        (("-o", "."), "error: . is a folder\n"),
        (("-o", "lambda_function.py"), "error: lambda_function.py exists, "),
        (("--report", "lambda_function.py"), "  at   --report\n"),
        (("--target", "python3.13-arm46"), "python3.13-arm64"),
        (("--layer", "--prove"), "error: only a complete app can be started\n"),
        (("--layer", "--no-dependencies"), "error: a layer contains only dependencies\n"),
        (("nowhere",), "nowhere\n"),
        (("--memory", "1"), "no such option"),
    ],
)
def test_usage_errors_are_reported_before_any_work(project: Path, options: tuple[str, ...], message: str) -> None:
    build = run_build(project, *options)
    assert build.returncode == 2 and not build.stdout
    assert message in build.stderr
    assert (project / "lambda_function.py").read_text() == HANDLER
    assert not (project.parent / "cache").exists()


def test_a_failure_is_reported_as_json_too(project: Path) -> None:
    (project / "requirements.txt").write_text("cowsay ==== 3\n")
    build = run_build(project, "--json", "-o", "../out.zip")
    assert build.returncode == 1
    assert json.loads(build.stdout.splitlines()[-1])["event"] == "Failed"
    assert not (project.parent / "out.zip").exists()


def test_runtime_and_architecture_have_their_own_flags(project: Path) -> None:
    build = run_build(project, "--arch", "arm64", "--runtime", "3.13", "--json")
    packed = json.loads(build.stdout.splitlines()[-1])
    assert (packed["runtime"], packed["architecture"]) == ("python3.13", "arm64")


def test_prove_starts_the_app(project: Path) -> None:
    target = ("--runtime", f"{sys.version_info[0]}.{sys.version_info[1]}", "--arch", platform.machine())
    build = run_build(project, "--prove", *target)
    assert build.returncode == 0 and "the app starts in" in build.stderr and "smoke test" in build.stderr
    (project / "lambda_function.py").write_text("import json\njson.loads('[')\n" + HANDLER)
    build = run_build(project, "--prove", *target, "-o", "../out.zip")
    assert build.returncode == 1 and not build.stdout and not (project.parent / "out.zip").exists()
    assert "error: the app does not start: " in build.stderr and "Expecting value" in build.stderr


def test_prove_warns_about_another_architecture(project: Path) -> None:
    foreign = "arm64" if platform.machine() == "x86_64" else "x86_64"
    assert "the app was not started on this machine: " in run_build(project, "--prove", "--arch", foreign).stderr
