"""The choice of a Python runtime: the configured one, or the newest that AWS, the project and this machine all support."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from lambent import calendar, interpreters
from lambent.config.parsers import parse_text
from lambent.config.project import Project
from lambent.config.settings import RawSetting, Settings
from lambent.config.sourced import Sourced
from lambent.errors import LocalError, UsageError
from lambent.lazy import LazyModule

if TYPE_CHECKING:
    from packaging import specifiers
else:
    specifiers = LazyModule("packaging.specifiers")  # slow to import, and most projects have no constraint


class Constraint(Struct, frozen=True):
    """The Python versions that a file of the project allows."""

    allowed: specifiers.SpecifierSet
    source: str
    text: str

    def allows(self, python: str) -> bool:
        """Return whether any patch release is allowed: ">=3.12.4" allows 3.12, "<3.13" does not allow 3.13."""
        return any(self.allowed.contains(f"{python}.{patch}", prereleases=True) for patch in (*range(31), 99))


def read_runtime(settings: Settings, project: Project, on: date, environ: Mapping[str, str]) -> Sourced[str]:
    """Return the runtime, such as "python3.13".

    Raises UsageError when AWS does not accept it on that day, or when nothing that AWS supports fits the project. Raises
    LocalError when this machine has no fitting Python.
    """
    setting = settings.raw.get("runtime")
    if setting is not None:
        return Sourced(_parse_runtime(setting, on), setting.origin)
    return _choose_runtime(project, on, environ)


def _parse_runtime(setting: RawSetting, on: date) -> str:
    newest = next((runtime.name for runtime in calendar.supported_runtimes(on)), "python3.13")
    name = parse_text(setting, newest).strip().lower()
    name = name if name.startswith("python") else f"python{name}"
    runtime = calendar.find_runtime(name)
    if runtime is None or on < runtime.available:
        names = ", ".join(runtime.name for runtime in calendar.supported_runtimes(on))
        raise setting.refuse(f"unknown runtime: {setting.value} (AWS has {names})", newest)
    if not calendar.can_update(name, on):
        raise setting.refuse(f"AWS stopped accepting {name} functions on {runtime.blocked_update}", newest)
    return name


def _choose_runtime(project: Project, on: date, environ: Mapping[str, str]) -> Sourced[str]:
    supported = calendar.supported_runtimes(on)
    constraints = _read_constraints(project)
    allowed = [runtime for runtime in supported if all(constraint.allows(runtime.python) for constraint in constraints)]
    sources = " and ".join(constraint.source for constraint in constraints)
    if not allowed:
        limits = ", ".join(f"{constraint.source} is {constraint.text}" for constraint in constraints)
        names = ", ".join(runtime.name for runtime in supported)
        raise UsageError(
            f"no AWS runtime fits this project: {limits}, and AWS has {names}",
            where=sources,
            hint=f"allow {supported[0].python} there, or pass --runtime {supported[0].name}",
        )
    for runtime in allowed:
        if interpreters.find(runtime.python, environ) is not None:
            verb = f"{sources} allows" if sources else "AWS supports"
            return Sourced(runtime.name, f"newest that {verb} and this machine has")
    versions = " or ".join(runtime.python for runtime in allowed)
    hint = interpreters.install_command(allowed[0].python)
    raise LocalError(f"no Python {versions} on this machine", where=sources, hint=hint)


def _read_constraints(project: Project) -> list[Constraint]:
    constraints = []
    if project.requires_python:
        try:
            allowed = specifiers.SpecifierSet(project.requires_python)
        except specifiers.InvalidSpecifier as error:
            raise UsageError(
                f"invalid version range: {project.requires_python}",
                where=f"{project.table_source} requires-python",
                hint='requires-python = ">=3.11"',
            ) from error
        constraints.append(Constraint(allowed, "requires-python", project.requires_python))
    version = "" if project.path.is_file() else _read_python_version(project.folder / ".python-version")
    if version:
        constraints.append(Constraint(specifiers.SpecifierSet(f"=={version}.*"), ".python-version", version))
    return constraints


def _read_python_version(path: Path) -> str:
    """Return the minor version in a .python-version file ("3.12.4", "cpython-3.12", "python3.12"), or ""."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    matches = (re.match(r"\s*(?:cpython@?-?|python)?(3\.\d+)\b", line) for line in lines)
    return next((match[1] for match in matches if match), "")
