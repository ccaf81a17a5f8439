"""Every module of the runtime can be imported by the oldest Python that it supports, and uses no newer names."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from lambent.config.compatibility import OLDEST_FOR_LAMBENT_CLIENT
from support.interpreter import python
from support.paths import ROOT

PACKAGE = ROOT / "src/lambent/runtime"
OLDEST = ".".join(map(str, OLDEST_FOR_LAMBENT_CLIENT))
IMPORT = """
import importlib, os, sys
os.environ["LAMBENT_APP"] = "app.wsgi"
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    importlib.import_module(name)
"""
NEWER_NAMES = re.compile(r"\b(?:removeprefix|removesuffix|to_thread|asyncio\.(?:Runner|timeout)|TaskGroup|pairwise|add_note)\b")
"""Names of Python 3.9 to 3.11, which fail only when they are used."""


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def test_every_module_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def wsgi(environ, start_response): ...\n")  # what the module `aws` starts
    (tmp_path / "runtime").symlink_to(PACKAGE)
    names = [module_name(path) for path in sorted(PACKAGE.rglob("*.py")) if path.stem != "__main__"]
    command = [python(OLDEST), "-B", "-c", IMPORT, str(tmp_path), *names]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert process.returncode == 0, process.stderr


def test_no_module_uses_newer_names() -> None:
    assert {path.name: found for path in PACKAGE.rglob("*.py") if (found := NEWER_NAMES.findall(path.read_text()))} == {}
