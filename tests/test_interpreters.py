"""Interpreters, found without starting them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lambent import interpreters


@pytest.fixture(autouse=True)
def no_system_pythons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambent.interpreters._SYSTEM_FOLDERS", ())


def make(path: Path, content: bytes = b"\x7fELF") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    "installed",
    [
        ".pyenv/versions/3.11.10/bin/python3.11",
        ".local/share/uv/python/cpython-3.11.10-linux-x86_64-gnu/bin/python3.11",
        ".asdf/installs/python/3.11.10/bin/python3.11",
        ".local/share/mise/installs/python/3.11.10/bin/python3.11",
    ],
)
def test_newest_patch_release_comes_before_the_path(tmp_path: Path, installed: str) -> None:
    system, newest = make(tmp_path / "usr/bin/python3.11"), make(tmp_path / installed)
    make(tmp_path / ".pyenv/versions/3.11.9/bin/python3.11")
    environ = {"HOME": str(tmp_path), "PATH": str(system.parent)}
    assert [found.path for found in interpreters.find_all("3.11", environ)][::2] == [newest, system]


def test_patch_release_is_in_the_headers_where_the_path_lacks_it(tmp_path: Path) -> None:
    on_path = make(tmp_path / "opt/bin/python3.12")
    header = tmp_path / "opt/include/python3.12/patchlevel.h"
    header.parent.mkdir(parents=True)
    header.write_text('#define PY_VERSION              "3.12.8"\n')
    make(tmp_path / ".pyenv/versions/3.12.4/bin/python3.12")
    found = interpreters.find("3.12", {"HOME": str(tmp_path), "PATH": str(on_path.parent)})
    assert found and found.path == on_path


def test_shims_are_skipped(tmp_path: Path) -> None:
    make(tmp_path / "shims/python3.12", b"#!/bin/sh\n")
    (tmp_path / "shims/python3.13").symlink_to(make(tmp_path / "bin/mise"))
    environ = {"HOME": str(tmp_path), "PATH": str(tmp_path / "shims")}
    assert interpreters.find("3.12", environ) is None and interpreters.find("3.13", environ) is None


def test_python_that_runs_lambent_is_found_without_any_variable() -> None:
    version = ".".join(map(str, sys.version_info[:2]))
    code = f"from lambent import interpreters\nprint([found.path for found in interpreters.find_all({version!r}, {{}})])"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"'{Path(sys.executable).resolve()}'" in process.stdout
