"""Compiles the dependencies for the target's Python, so that a cold start need not.

Unchecked-hash .pyc: the zip's files all date from 1980 and /var/task is read-only, so timestamp .pyc never validate there
(aws-lambda-builders#924); unchecked ones take half to two thirds of the import time away. The bytes repeat: one process, a
fixed hash seed, and the paths the files will have on Lambda, which also makes tracebacks right.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from lambent.interpreters import Interpreter

_TESTS = r"/(tests?|testing/tests)/"


def compile_tree(stage: Path, interpreter: Interpreter) -> None:
    """Adds `__pycache__` folders. Files that do not compile (templates, other versions' syntax) just get none."""
    options = ["-q", "-q", "--invalidation-mode", "unchecked-hash", "-s", str(stage), "-p", "/var/task", "-x", _TESTS]
    subprocess.run(
        [str(interpreter.path), "-E", "-s", "-m", "compileall", *options, str(stage)],
        env={"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
