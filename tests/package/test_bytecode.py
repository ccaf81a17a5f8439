"""The bytecode of the runtime and of the user's own files: in the zip, used by Python, and never stale."""

from __future__ import annotations

import os
import subprocess
import zipfile
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent import events, interpreters
from lambent.config.model import App, Config
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


def make(folder: Path, cache: Path, files: dict[str, str] = FILES, wishes: BuildOptions | None = None, **more: str) -> Artifact:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    kind = more.pop("kind", "handler")
    config = Config(folder, "small", App("main", "app", kind), more.pop("runtime", NEWEST))  # type: ignore[arg-type]
    return package.build(replace(config, **more), cache, os.environ, events.ignore, wishes)  # type: ignore[arg-type]


def bytecode(artifact: Artifact) -> dict[str, bytes]:
    with zipfile.ZipFile(artifact.path) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist() if name.endswith(".pyc")}


def test_the_users_own_files_are_compiled_and_compared_with_their_source(tmp_path: Path) -> None:
    artifact = make(tmp_path / "app", tmp_path / "cache")
    found = bytecode(artifact)
    assert sorted(found) == [f"__pycache__/main.{TAG}.pyc", f"pkg/__pycache__/deep.{TAG}.pyc"]
    assert {data[4:8] for data in found.values()} == {b"\3\0\0\0"}  # hash-based, and checked
    assert b"/var/task/pkg/deep.py" in found[f"pkg/__pycache__/deep.{TAG}.pyc"]
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

    said, noise = run()
    assert said == "1"
    assert f"deep.{TAG}.pyc matches" in noise
    (tmp_path / "task/pkg/deep.py").write_text("x = 2\n")  # as in the console's editor
    assert run()[0] == "2"


def test_the_runtime_is_compiled_once_and_for_all(tmp_path: Path) -> None:
    first = make(tmp_path / "app", tmp_path / "cache", kind="wsgi")
    found = bytecode(first)
    ours = {name: data for name, data in found.items() if name.startswith("lambent_runtime/")}
    assert sorted({name.rpartition("/")[0] for name in ours}) == ["lambent_runtime/compat/__pycache__"], "see bundle.py"
    assert {data[4:8] for data in ours.values()} == {b"\1\0\0\0"}  # hash-based, and unchecked
    cached = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache/bytecode").iterdir()}
    again = make(tmp_path / "app", tmp_path / "cache", files={"pkg/deep.py": "x = 3\n"}, kind="wsgi")
    assert again.sha256 != first.sha256
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache/bytecode").iterdir()}
    assert {path: kept[path] for path in cached} == cached
    assert len(kept) == len(cached) + 1


def test_the_same_bytes_from_a_cold_cache_and_another_folder(tmp_path: Path) -> None:
    files = {"main.py": "def f(x):\n    return x in {'a', 'b', 'c', 1, 2, None}\napp = f\n"}
    first = make(tmp_path / "a", tmp_path / "cache a", files)
    second = make(tmp_path / "b", tmp_path / "cache b", files)
    assert first.sha256 == second.sha256


def test_without_the_interpreter_there_is_none_and_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "find", lambda version, environ: None)
    (tmp_path / "main.py").write_text("app = None\n")
    heard: list[events.Event] = []
    artifact = package.build(Config(tmp_path, "small", App("main", "app", "handler"), NEWEST), tmp_path / "c", {}, heard.append)
    assert bytecode(artifact) == {}
    assert [event.text for event in heard if isinstance(event, events.Warned)] == [
        f"Python {NEWEST.removeprefix('python')} is not installed here: the zip has no bytecode, so the app starts slower"
    ]


def test_bytecode_that_does_not_fit_stays_out(tmp_path: Path) -> None:
    wishes = BuildOptions(unzipped_max=sum(map(len, FILES.values())) + 10)
    assert bytecode(make(tmp_path / "app", tmp_path / "cache", wishes=wishes)) == {}


def test_runtime_client(tmp_path: Path) -> None:
    own = make(tmp_path / "app", tmp_path / "cache", runtime_client="lambent")
    wrapper = ("AWS_LAMBDA_EXEC_WRAPPER", "/var/task/lambent_runtime/bootstrap")
    assert (own.handler, own.environment) == ("main.app", (wrapper, ("LAMBENT_INTERFACE", "handler")))
    aws = make(tmp_path / "app", tmp_path / "cache", kind="asgi", runtime_client="aws")
    assert (aws.handler, aws.environment) == ("lambent_runtime.aws.handler", (("LAMBENT_APP", "main.app"),))
    for artifact in (own, aws):
        with zipfile.ZipFile(artifact.path) as zipped:
            assert "lambent_runtime/aws.py" in zipped.namelist()
    assert make(tmp_path / "app", tmp_path / "cache", runtime_client="aws").environment == ()
