"""AWS's own runtime client (awslambdaric), as the local Lambda has it, and a process that runs it against the stand-in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import platformdirs

from lambent.local.sandbox.runtimes import install
from support.runtime_api_stub import Environment

CACHE = Path(platformdirs.user_cache_dir("lambent"))
"""The real one, so that AWS's client is installed once for all runs."""


def aws_environment(folder: Path, runtime: str, handler: str, **over: Any) -> Environment:
    """An execution environment that runs a handler under AWS's client, on the interpreter of a runtime ("python3.13")."""
    installed = install(runtime, CACHE / "runtimes", os.environ)
    packages = os.pathsep.join([str(installed.folder), *map(str, over.pop("packages", ()))])
    command = [installed.interpreter, "-c", f"from awslambdaric.__main__ import main; main(['', {handler!r}])"]
    return Environment(folder, installed.interpreter, handler, packages=packages, command=command, **over)
