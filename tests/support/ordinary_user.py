"""Runs a script with lambent as a user without privileges."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import pytest

from support.paths import ROOT

_USER = 61234


def run_as_ordinary_user(script: str) -> str:
    """Return what the script prints. It imports lambent; its argument is a folder that only contains what it needs.

    The system's Python runs it, because the tests' own may be closed to other users.
    """
    if os.geteuid() != 0:
        pytest.skip("all tests run as an ordinary user already")
    python = Path("/usr/bin/python3").resolve()
    same_version = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    if not python.exists() or subprocess.run([python, "-c", same_version], check=False).returncode:
        pytest.skip("no system Python of this version, to import msgspec")
    with tempfile.TemporaryDirectory(dir="/tmp") as name:  # pytest's own folder is closed to other users
        folder = Path(name)
        shutil.copytree(ROOT / "src", folder / "src")
        shutil.copytree(Path(msgspec.__file__).parent, folder / "src" / "msgspec")
        (folder / "script.py").write_text(script)
        (folder / "own").mkdir()
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755)
        os.chown(folder / "own", _USER, _USER)
        process = subprocess.run(
            [python, folder / "script.py", str(folder / "own")], user=_USER, group=_USER, extra_groups=[], cwd="/",
            env={"PYTHONPATH": str(folder / "src")}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert process.returncode == 0, process.stderr
    return process.stdout
