"""The bytecode of the runtime and of the user's files: it is in the zip, Python uses it, and it is never stale."""

from __future__ import annotations

import os
import subprocess
import zipfile
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent import events, interpreters
from lambent.config.model import App, Config
from lambent.errors import PackagingError
from lambent.package import build as package
from lambent.package.artifact import Artifact
from lambent.package.build_context import BuildOptions
from support.functions import NEWEST, interpreter

TAG = f"cpython-{NEWEST.removeprefix('python').replace('.', '')}"
FILES = {
    "main.py": "import pkg.deep\nprint(pkg.deep.x)\napp = None\n",
    "pkg/deep.py": "x = 1\n",
    "broken.py": "def f(:\n",
    "tests/test_x.py": "",
}


def make(
    folder: Path, cache: Path, files: dict[str, str] = FILES, options: BuildOptions | None = None, **more: str
) -> Artifact:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    kind = more.pop("kind", "handler")
    config = Config(folder, "small", App("main", "app", kind), more.pop("runtime", NEWEST))  # type: ignore[arg-type]
    return package.build(replace(config, **more), cache, os.environ, events.ignore, options)  # type: ignore[arg-type]


def bytecode(artifact: Artifact) -> dict[str, bytes]:
    with zipfile.ZipFile(artifact.path) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist() if name.endswith(".pyc")}


def test_own_files_get_checked_bytecode(tmp_path: Path) -> None:
    artifact = make(tmp_path / "app", tmp_path / "cache")
    codes = bytecode(artifact)
    assert sorted(codes) == [f"__pycache__/main.{TAG}.pyc", f"pkg/__pycache__/deep.{TAG}.pyc"]
    assert {data[4:8] for data in codes.values()} == {b"\3\0\0\0"}  # hash-based, and checked
    assert b"/var/task/pkg/deep.py" in codes[f"pkg/__pycache__/deep.{TAG}.pyc"]
    with zipfile.ZipFile(artifact.path) as zipped:
        zipped.extractall(tmp_path / "task")
    python = interpreter()

    def run() -> tuple[str, str]:
        done = subprocess.run(
            [python, "-v", "main.py"],
            cwd=tmp_path / "task",
            capture_output=True,
            text=True,
            check=True,
            env={"LC_ALL": "C.UTF-8"},
        )
        return done.stdout.strip(), done.stderr

    output, log = run()
    assert output == "1"
    assert f"deep.{TAG}.pyc matches" in log
    (tmp_path / "task/pkg/deep.py").write_text("x = 2\n")  # as in the console's editor
    assert run()[0] == "2"


def test_runtime_is_compiled_once(tmp_path: Path) -> None:
    first = make(tmp_path / "app", tmp_path / "cache", kind="wsgi")
    codes = bytecode(first)
    runtime = {name: data for name, data in codes.items() if name.startswith("lambent_runtime/")}
    assert sorted({name.rpartition("/")[0] for name in runtime}) == ["lambent_runtime/compat/__pycache__"], "see bundle.py"
    assert {data[4:8] for data in runtime.values()} == {b"\1\0\0\0"}  # hash-based, and unchecked
    cached = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache/bytecode").iterdir()}
    again = make(tmp_path / "app", tmp_path / "cache", files={"pkg/deep.py": "x = 3\n"}, kind="wsgi")
    assert again.sha256 != first.sha256
    dates = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache/bytecode").iterdir()}
    assert {path: dates[path] for path in cached} == cached
    assert len(dates) == len(cached) + 1


def test_bytes_depend_on_neither_folder_nor_cache(tmp_path: Path) -> None:
    files = {"main.py": "def f(x):\n    return x in {'a', 'b', 'c', 1, 2, None}\napp = f\n"}
    first = make(tmp_path / "a", tmp_path / "cache a", files)
    second = make(tmp_path / "b", tmp_path / "cache b", files)
    assert first.sha256 == second.sha256


def test_missing_interpreter_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "find", lambda version, environ: None)
    (tmp_path / "main.py").write_text("app = None\n")
    emitted: list[events.Event] = []
    artifact = package.build(
        Config(tmp_path, "small", App("main", "app", "handler"), NEWEST), tmp_path / "c", {}, emitted.append
    )
    assert bytecode(artifact) == {}
    assert [event.text for event in emitted if isinstance(event, events.Warned)] == [
        f"Python {NEWEST.removeprefix('python')} is not installed here: the zip has no bytecode, so the app starts slower"
    ]


def test_bytecode_that_does_not_fit_is_omitted(tmp_path: Path) -> None:
    options = BuildOptions(unzipped_max=sum(map(len, FILES.values())) + 10)
    assert bytecode(make(tmp_path / "app", tmp_path / "cache", options=options)) == {}


def test_runtime_client_decides_handler_and_environment(tmp_path: Path) -> None:
    own = make(tmp_path / "app", tmp_path / "cache", runtime_client="lambent")
    wrapper = ("AWS_LAMBDA_EXEC_WRAPPER", "/var/task/lambent_runtime/bootstrap")
    assert (own.handler, own.environment) == ("main.app", (wrapper, ("LAMBENT_INTERFACE", "handler")))
    aws = make(tmp_path / "app", tmp_path / "cache", kind="asgi", runtime_client="aws")
    assert (aws.handler, aws.environment) == ("lambent_runtime.aws.handler", (("LAMBENT_APP", "main.app"),))
    for artifact in (own, aws):
        with zipfile.ZipFile(artifact.path) as zipped:
            assert "lambent_runtime/aws.py" in zipped.namelist()
    assert make(tmp_path / "app", tmp_path / "cache", runtime_client="aws").environment == ()


def test_interpreter_that_compiles_nothing_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho out of order >&2\nexit 1\n")
    broken.chmod(0o755)
    version = NEWEST.removeprefix("python")
    monkeypatch.setattr(interpreters, "find", lambda version, environ: interpreters.Interpreter(version, broken))
    with pytest.raises(PackagingError, match=rf"Python {version} cannot compile") as error:
        make(tmp_path / "app", tmp_path / "cache")
    assert (error.value.where, error.value.detail) == (str(broken), "out of order")


def test_relative_cache_folder_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    artifact = make(tmp_path / "app", Path("cache"), kind="wsgi")
    assert artifact.path.is_relative_to(tmp_path / "cache") and bytecode(artifact)
