"""Packages that are hard to slim, and one real thing that each must still do. `scripts/slim` runs them all.

A case is built like a user's project (resolved, fetched, slimmed, assembled), unpacked, and run by the target's Python with
nothing else on its import path.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

from lambent import events, interpreters
from lambent.config.model import App, Config
from lambent.errors import LambentError
from lambent.package.build import build

CASES: dict[str, str] = tomllib.loads((Path(__file__).parent / "slim_cases.toml").read_text("utf-8"))
"""Requirements -> the program to run."""


def run(requirements: str, snippet: str, runtime: str, cache: Path) -> str:
    """Build and run one case. Return what went problem, or ""."""
    with tempfile.TemporaryDirectory() as folder:
        project, task = Path(folder) / "app", Path(folder) / "task"
        project.mkdir()
        (project / "requirements.txt").write_text("\n".join(requirements.split()))
        (project / "main.py").write_text(f"{snippet}\n\n\ndef app(event, context):\n    return 1\n")
        try:
            artifact = build(
                Config(project, "case", App("main", "app", "handler"), runtime, "x86_64"), cache, os.environ, events.ignore
            )
        except LambentError as error:
            return f"{error.what} {error.detail}"
        with zipfile.ZipFile(artifact.path) as zipped:
            for info in zipped.infolist():
                Path(zipped.extract(info, task)).chmod(info.external_attr >> 16 & 0o777)
        python = interpreters.find(runtime.removeprefix("python"), os.environ)
        assert python is not None
        process = subprocess.run(
            [str(python.path), "-S", "-B", "-c", "import main"],
            cwd=task,
            env={"PATH": os.environ["PATH"], "HOME": folder, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        artifact.path.unlink()
        return "" if process.returncode == 0 else process.stderr[-1500:]


def main() -> int:
    """scripts/slim [RUNTIME] [WORD ...]: run the cases whose requirements contain one of the words, or all."""
    runtime, *words = sys.argv[1:] or ["python3.12"]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(os.environ.get("LAMBENT_SLIM_CACHE") or folder)
        for requirements, snippet in CASES.items():
            if words and not any(word in requirements for word in words):
                continue
            problem = run(requirements, snippet, runtime, cache)
            failed += bool(problem)
            print("failed" if problem else "ok    ", requirements, problem, flush=True)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
