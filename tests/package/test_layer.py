"""Layers, which hold the dependencies of an app, and lock files, which later builds use."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lambent import events
from lambent.config.model import App, Config
from lambent.errors import PackagingError
from lambent.package.artifact import Artifact
from lambent.package.build import LAYER, build
from lambent.package.build_context import BuildOptions, Scope
from lambent.package.lock_file import write_lock

PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"
CODE = "import cowsay, markupsafe._speedups\ndef app(event, context):\n    return cowsay.get_output_string('cow', 'moo')\n"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def project(folder: Path, requirements: str = "cowsay==6.1\nmarkupsafe\n") -> Config:
    folder.mkdir(exist_ok=True)
    (folder / "main.py").write_text(CODE)
    (folder / "requirements.txt").write_text(requirements)
    return Config(folder, "small", App("main", "app", "handler"), PYTHON)


def built(config: Config, cache: Path, part: Scope) -> Artifact:
    return build(config, cache, os.environ, events.ignore, BuildOptions(scope=part))


def content(artifact: Artifact) -> dict[str, bytes]:
    with zipfile.ZipFile(artifact.path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_layer_and_app_together_are_the_complete_zip(tmp_path: Path, cache: Path) -> None:
    config = project(tmp_path / "p")
    complete, layer, alone = (built(config, cache, part) for part in ("all", "layer", "app"))
    packages = content(layer)
    assert all(name.startswith(LAYER) for name in packages)
    assert content(complete) == {name.removeprefix(LAYER): data for name, data in packages.items()} | content(alone)
    assert not {name for name in content(alone) if "cowsay" in name}
    assert (layer.handler, alone.handler) == ("", "main.app")
    assert {layer.owners[name] for name in packages if "cowsay" in name and name in layer.owners} == {"cowsay 6.1"}
    assert len({artifact.path for artifact in (complete, layer, alone)}) == 3
    assert built(config, cache, "layer").sha256 == layer.sha256


def test_app_runs_with_its_layer(tmp_path: Path, cache: Path) -> None:
    config = project(tmp_path / "p")
    for part, folder in (("layer", "opt"), ("app", "task")):
        with zipfile.ZipFile(built(config, cache, part).path) as archive:  # type: ignore[arg-type]
            archive.extractall(tmp_path / folder)
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import main; print(main.app({}, None))"],
        cwd=tmp_path / "task",
        env={"PYTHONPATH": str(tmp_path / "opt/python")},
        capture_output=True,
        text=True,
    )
    assert "moo" in done.stdout, done.stderr


def test_empty_layer_is_refused(tmp_path: Path, cache: Path) -> None:
    config = project(tmp_path / "p", "")
    (config.path / "main.py").write_text("def app(event, context): return 1\n")
    with pytest.raises(PackagingError, match="a layer would be empty"):
        built(config, cache, "layer")


def test_lock_file_stays_until_upgrade(tmp_path: Path, cache: Path) -> None:
    config = project(tmp_path / "p", "cowsay==6.0\nmarkupsafe\n")
    heard: list[events.Event] = []
    path = write_lock(config, cache, os.environ, heard.append, BuildOptions())
    assert path.name == f"pylock.{PYTHON.replace('.', '')}-x86_64.toml"
    assert [event for event in heard if isinstance(event, events.Locked)] == [events.Locked(path.name, 2)]
    first = path.read_bytes()
    (config.path / "requirements.txt").write_text("cowsay==6.1\nmarkupsafe\n")
    assert write_lock(config, cache, os.environ, events.ignore, BuildOptions()).read_bytes() == first
    assert "cowsay-6.0.dist-info/METADATA" in content(built(config, cache, "all"))
    write_lock(config, cache, os.environ, events.ignore, BuildOptions(refresh=True))
    assert "cowsay-6.1.dist-info/METADATA" in content(built(config, cache, "all"))


def test_unwritable_folder_is_reported(tmp_path: Path, cache: Path) -> None:
    config = project(tmp_path / "p")
    target = config.path / f"pylock.{PYTHON.replace('.', '')}-x86_64.toml"
    target.mkdir()
    with pytest.raises(PackagingError, match=r"cannot write pylock\."):
        write_lock(config, cache, os.environ, events.ignore, BuildOptions())
