"""From the words of a command to what is executed: the runtime's Python, a script of a package, or a program on PATH."""

from __future__ import annotations

import os
import shutil
import sys

_SCRIPT = """\
import sys
from importlib import import_module
from operator import attrgetter
sys.argv[0] = {name!r}
sys.exit(attrgetter({attribute!r})(import_module({module!r}))())
"""
"""What an installer writes into bin/ for a script of a package. Zips have no bin/."""


def find_program(words: list[str], folder: str, path: str) -> list[str] | str:
    """Return the command line for a command in a folder, or what is wrong with it. `path` is the variable PATH."""
    if not words:
        return "no command"
    name, *arguments = words
    if name in ("python", "python3", f"python3.{sys.version_info[1]}"):
        return [sys.executable, *arguments]
    file = os.path.join(folder, name)  # noqa: PTH118 - pathlib would cost 10 ms
    if name.endswith(".py") and os.path.isfile(file):  # noqa: PTH113
        return [sys.executable, file, *arguments]
    if "/" in name:
        return [file, *arguments] if os.path.isfile(file) else f"the function has no file {name}"  # noqa: PTH113
    script = _package_script(name)
    if script:
        return [sys.executable, "-c", script, *arguments]
    program = shutil.which(name, path=path)
    if program is None:
        return f"the function has no command {name}: neither do its packages bring it, nor does Lambda have it"
    return [program, *arguments]


def _package_script(name: str) -> str:
    """Return the code that runs a script of an installed package ("flask", "alembic", "django-admin"), "" if there is none."""
    from importlib.metadata import distributions

    for distribution in distributions():
        for point in distribution.entry_points:
            if point.name == name and point.group in ("console_scripts", "gui_scripts"):
                module, _, attribute = point.value.partition(" ")[0].partition("[")[0].partition(":")
                return _SCRIPT.format(name=name, module=module.strip(), attribute=attribute.strip())
    return ""
