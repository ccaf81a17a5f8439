"""What the build has to know of this machine's interpreter: its headers, and what it says of itself."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambent.errors import PackagingError
from lambent.interpreters import Interpreter, how_to_get
from lambent.package.target import Target

_ASK = """
import json, os, sys, sysconfig
name = sysconfig._get_sysconfigdata_name()
said = __import__(name).build_time_vars
print(json.dumps({
    "module": name, "variables": said, "machine": os.uname().machine, "prefix": sys.base_prefix,
    "include": sysconfig.get_path("include"), "pyconfig": sysconfig.get_config_h_filename(),
    "multiarch": sysconfig.get_config_var("MULTIARCH") or "",
}))
"""


@dataclass(frozen=True)
class Host:
    """An interpreter's own account. `module` is the name of its sysconfig data, `variables` what is in it."""

    module: str
    variables: dict[str, Any]
    machine: str
    prefix: Path
    include: Path
    pyconfig: Path


def ask(interpreter: Interpreter | None, target: Target) -> Host:
    """Raises PackagingError when this machine has no interpreter of the target's version with its headers."""
    if sys.platform != "linux":
        raise PackagingError(
            "--build-native works on Linux only: it needs the headers of a Linux Python",
            where=f"this machine ({sys.platform})",
            hint="build on Linux, in a CI job for instance, or ask for versions with wheels",
        )
    if interpreter is None:
        raise PackagingError(
            f"--build-native needs a Python {target.python} of this machine with its headers, and there is none",
            where=target.name,
            hint=how_to_get(target.python),
        )
    host = _ask(interpreter)
    missing = [path for path in (host.include / "Python.h", host.pyconfig) if not path.is_file()]
    if missing:
        raise PackagingError(
            f"this Python {target.python} came without its headers, which --build-native needs",
            where=str(missing[0]),
            hint=f"{how_to_get(target.python)} (with headers), or install the system's python{target.python}-dev",
        )
    return host


def _ask(interpreter: Interpreter) -> Host:
    try:
        done = subprocess.run(
            [interpreter.path, "-I", "-S", "-c", _ASK], capture_output=True, text=True, check=True, timeout=60
        )
        said = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise PackagingError(
            f"Python {interpreter.version} does not say how it was built",
            where=str(interpreter.path),
            hint=how_to_get(interpreter.version),
        ) from error
    include, pyconfig = Path(said["include"]), Path(said["pyconfig"])
    # where the other headers are, Debian has but a stub
    real = include.parent / said["multiarch"] / include.name / "pyconfig.h"
    if said["multiarch"] and real.is_file():
        pyconfig = real
    return Host(said["module"], said["variables"], said["machine"], Path(said["prefix"]), include, pyconfig)
