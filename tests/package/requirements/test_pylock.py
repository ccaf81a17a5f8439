"""The standard lock (PEP 751) that lambent writes, read by lambent and by uv."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.pylock import Pylock, is_valid_pylock_path

from lambent.errors import PackagingError
from lambent.package.lock import DistFile, Lock, Pin, Repository
from lambent.package.requirements.discovery import pylock_path
from lambent.package.requirements.pylock import write_pylock
from support.locking import make_target, offer, resolve_project, write
from support.registry import Registry, serving

TARGET = make_target("3.11")
TAG = "cp311-cp311-manylinux_2_17_x86_64"

BACKEND = """
import zipfile
def build_wheel(folder, settings=None, metadata=None):
    with zipfile.ZipFile(folder + "/mine-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("mine.py", "")
        wheel.writestr("mine-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: mine\\nVersion: 1\\n")
        wheel.writestr("mine-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("mine-1.dist-info/RECORD", "")
    return "mine-1-py3-none-any.whl"
build_editable = build_wheel
"""
MINE = """
[project]
name = "mine"
version = "1"
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as running:
        yield running


def test_written_lock_is_used_and_can_be_moved(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "demo", "1.0", TAG)
    text = f"--index-url {registry.url}/simple\ndemo\n-e ../mine\n"
    project = write(tmp_path / "app", {"requirements.txt": text})
    write(tmp_path / "mine", {"pyproject.toml": MINE, "mine.py": "", "backend.py": BACKEND})
    pins = resolve_project(project, TARGET, tmp_path / "cache").lock.pins
    path = pylock_path(project, TARGET)
    assert path.name == "pylock.python311-x86_64.toml" and is_valid_pylock_path(path)
    write_pylock(Lock("requirements.txt", pins), path, TARGET)
    Pylock.from_dict(tomllib.loads(path.read_text()))
    offer(registry, "demo", "2.0", TAG)
    resolution = resolve_project(project, TARGET, tmp_path / "other-cache")
    assert resolution.lock == Lock(path.name, pins)
    moved = project.rename(tmp_path / "moved")
    assert resolve_project(moved, TARGET, tmp_path / "cache").lock.pins == pins, "../mine is still there"
    install_with_uv(moved / path.name, tmp_path)
    assert (tmp_path / "installed/demo.py").exists()


def install_with_uv(lock: Path, folder: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    command = [uv, "pip", "install", "-r", lock, "--target", folder / "installed", "--cache-dir", folder / "uv"]
    command += ["--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr


def test_every_kind_of_pin_survives(tmp_path: Path) -> None:
    hashes = (("sha256", "ab" * 32),)
    url, index = "https://h", "https://h/simple"
    direct = DistFile("direct-1.0-py3-none-any.whl", f"{url}/direct-1.0-py3-none-any.whl", hashes)
    indexed = DistFile("index-3-py3-none-any.whl", f"{url}/index-3-py3-none-any.whl", hashes, 7)
    sdist = DistFile("source-4.tar.gz", f"{url}/source-4.tar.gz", hashes)
    pins = (
        Pin("direct", "1.0", (direct,)),
        Pin("folder", "", folder=tmp_path / "folder", requested=True, extras=("fast",)),
        Pin("git", "2.0", repository=Repository(f"{url}/x.git", "c" * 40, "sub")),
        Pin("index", "3", (indexed,), index=index),
        Pin("source", "4", sdist=sdist, index=index),
    )
    path = tmp_path / "app" / "pylock.toml"
    write_pylock(Lock("requirements.txt", pins), path, TARGET)
    assert resolve_project(path.parent, TARGET, tmp_path / "cache").lock.pins == pins
    with pytest.raises(PackagingError, match=r"the lock is not for python3\.12 x86_64") as caught:
        resolve_project(path.parent, make_target("3.12"), tmp_path / "cache")
    assert caught.value.hint == "lock again for this target, with the tool that made it"
