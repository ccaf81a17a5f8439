"""The interpreter on this machine that a native build runs in: its headers, and how it was built."""

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

_SCRIPT = """
import json, os, sys, sysconfig
name = sysconfig._get_sysconfigdata_name()
print(json.dumps({
    "module": name, "variables": __import__(name).build_time_vars, "machine": os.uname().machine, "prefix": sys.base_prefix,
    "include": sysconfig.get_path("include"), "pyconfig": sysconfig.get_config_h_filename(),
    "multiarch": sysconfig.get_config_var("MULTIARCH") or "",
}))
"""


class HostPython(Struct, frozen=True):
    """What an interpreter says about itself. `module` is the name of its sysconfig data, `variables` the content of that."""

    interpreter: Interpreter
    module: str
    variables: dict[str, Any]
    machine: str
    prefix: Path
    include: Path
    pyconfig: Path


def find_host_python(target: Target, environ: Mapping[str, str]) -> HostPython:
    """Return the first Python of the target's version that has its headers; a system's own Python often has none.

    Raises PackagingError.
    """
    if sys.platform != "linux":
        raise PackagingError(
            "--build-native only works on Linux, because it needs the headers of a Linux Python",
            where=f"this machine ({sys.platform})",
            hint="build on Linux, for example in a CI job, or choose versions that have wheels",
        )
    without_headers = None
    for interpreter in interpreters.find_all(target.python, environ):
        host = _inspect(interpreter)
        if host is not None and (host.include / "Python.h").is_file() and host.pyconfig.is_file():
            return host
        without_headers = without_headers or interpreter
    what = f"--build-native needs a Python {target.python} with its headers on this machine"
    hint = f"{interpreters.install_command(target.python)}  (it includes the headers)"
    if without_headers is None:
        raise PackagingError(f"{what}, and there is none", where=target.name, hint=hint)
    raise PackagingError(
        f"{what}, but {without_headers.path} has no headers",
        where=target.name,
        hint=f"{hint}, or install your system's python{target.python}-dev (python{target.python}-devel)",
    )


def _inspect(interpreter: Interpreter) -> HostPython | None:
    """Return None if the interpreter doesn't run, or doesn't know how it was built."""
    try:
        run = subprocess.run(
            [interpreter.path, "-I", "-S", "-c", _SCRIPT], capture_output=True, text=True, check=True, timeout=60
        )
        facts = json.loads(run.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    include, pyconfig = Path(facts["include"]), Path(facts["pyconfig"])
    # Debian keeps the real file elsewhere, and only a stub next to the other headers
    multiarch_pyconfig = include.parent / facts["multiarch"] / include.name / "pyconfig.h"
    if facts["multiarch"] and multiarch_pyconfig.is_file():
        pyconfig = multiarch_pyconfig
    return HostPython(
        interpreter, facts["module"], facts["variables"], facts["machine"], Path(facts["prefix"]), include, pyconfig
    )
