"""scripts/setup on machines that lack something: one line that says what to install, and nothing left behind."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from support.paths import ROOT

TOOLS = ("sh", "dirname", "cksum", "cat", "rm", "printf", "env")


def checkout(tmp_path: Path) -> Path:
    """What scripts/setup needs of a checkout, without its .venv."""
    copy = tmp_path / "checkout"
    shutil.copytree(ROOT / "scripts", copy / "scripts")
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def run(copy: Path, python3: str | None) -> subprocess.CompletedProcess[str]:
    """scripts/setup with a PATH that holds a few tools and perhaps a `python3` of this text."""
    bin_ = copy / "bin"
    bin_.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        if found:
            (bin_ / tool).symlink_to(found)
    if python3 is not None:
        (bin_ / "python3").write_text(python3)
        (bin_ / "python3").chmod(0o755)
    return subprocess.run(
        [copy / "scripts" / "setup"], env={"PATH": str(bin_)}, capture_output=True, text=True, check=False, timeout=60
    )


def test_without_python(tmp_path: Path) -> None:
    done = run(checkout(tmp_path), None)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: no python3 of version 3.11 or newer was found; install it: apt-get install python3 python3-venv"
    ]


def test_a_debian_without_python3_venv(tmp_path: Path) -> None:
    copy = checkout(tmp_path)
    lacking = f'#!/bin/sh\ncase "$*" in *ensurepip*) exit 1 ;; esac\nexec {sys.executable} "$@"\n'
    done = run(copy, lacking)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: this Python cannot make virtual environments: its venv module is missing;"
        " install it: apt-get install python3-venv"
    ]
    assert not (copy / ".venv").exists()
