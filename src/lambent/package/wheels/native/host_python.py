"""What the build has to know of this machine's interpreter: its headers, and what it says of itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from lambent import interpreters
from lambent.errors import PackagingError
from lambent.interpreters import Interpreter
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


class Host(Struct, frozen=True):
    """An interpreter's own account. `module` is the name of its sysconfig data, `variables` what is in it."""

    interpreter: Interpreter
    module: str
    variables: dict[str, Any]
    machine: str
    prefix: Path
    include: Path
    pyconfig: Path


def find(target: Target, environ: Mapping[str, str]) -> Host:
    """The first of the target's version that has its headers: a system's Python often comes without. Raises PackagingError."""
    if sys.platform != "linux":
        raise PackagingError(
            "--build-native works on Linux only: it needs the headers of a Linux Python",
            where=f"this machine ({sys.platform})",
            hint="build on Linux, in a CI job for instance, or ask for versions with wheels",
        )
    bare = None
    for interpreter in interpreters.find_all(target.python, environ):
        host = _ask(interpreter)
        if host is not None and (host.include / "Python.h").is_file() and host.pyconfig.is_file():
            return host
        bare = bare or interpreter
    what = f"--build-native needs a Python {target.python} with its headers on this machine"
    raise PackagingError(
        f"{what}: {bare.path} came without them" if bare else f"{what}, and there is none",
        where=target.name,
        hint=f"{interpreters.install_command(target.python)}, which comes with them" + (_system(target) if bare else ""),
    )


def _system(target: Target) -> str:
    return f", or the system's python{target.python}-dev (python{target.python}-devel)"


def _ask(interpreter: Interpreter) -> Host | None:
    """None when it does not run, or does not know how it was built."""
    try:
        done = subprocess.run(
            [interpreter.path, "-I", "-S", "-c", _ASK], capture_output=True, text=True, check=True, timeout=60
        )
        said = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    include, pyconfig = Path(said["include"]), Path(said["pyconfig"])
    # where the other headers are, Debian has but a stub
    real = include.parent / said["multiarch"] / include.name / "pyconfig.h"
    if said["multiarch"] and real.is_file():
        pyconfig = real
    return Host(interpreter, said["module"], said["variables"], said["machine"], Path(said["prefix"]), include, pyconfig)
