"""Which Python runtime: the one asked for, or the newest that AWS supports, the project allows and this machine has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from lambent import calendar, interpreters
from lambent.config.project import Project
from lambent.config.settings import Given
from lambent.errors import LocalError, UsageError

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet


class Rule(Struct, frozen=True):
    """What a project says about Python versions: the specifiers, and where they stand."""

    allowed: SpecifierSet
    source: str
    text: str


def asked(given: Given, on: date) -> str:
    """The runtime that was asked for: "python3.13", or just "3.13". Raises UsageError when AWS does not take it that day."""
    name = str(given.value).strip().lower()
    name = name if name.startswith("python") else f"python{name}"
    newest = _newest(on)
    known = calendar.find_runtime(name)
    if known is None or on < known.available:
        names = ", ".join(runtime.name for runtime in calendar.supported_runtimes(on))
        raise given.refuse(f"no such runtime: {given.value} (there are {names})", newest)
    if not calendar.can_update(name, on):
        raise given.refuse(f"AWS has not taken {name} since {known.blocked_update}", newest)
    return name


def choose(project: Project, on: date, environ: Mapping[str, str]) -> tuple[str, str]:
    """The default runtime, and why. Raises UsageError when nothing AWS supports is allowed, LocalError when none is here."""
    supported = calendar.supported_runtimes(on)
    rules = _rules(project)
    allowed = [runtime for runtime in supported if all(_allows(rule, runtime.python) for rule in rules)]
    because = " and ".join(rule.source for rule in rules)
    if not allowed:
        said = ", ".join(f"{rule.source} says {rule.text}" for rule in rules)
        names = ", ".join(runtime.name for runtime in supported)
        raise UsageError(
            f"no runtime of AWS fits this project: {said}; AWS has {names}",
            where=because,
            hint=f"allow {supported[0].python} there, or say which: --runtime {supported[0].name}",
        )
    for runtime in allowed:
        if interpreters.find(runtime.python, environ) is not None:
            limits = f"{because} allows and " if because else "AWS supports and "
            return runtime.name, f"newest that {limits}this machine has"
    names = " or ".join(runtime.python for runtime in allowed)
    raise LocalError(f"no Python {names} on this machine", where=because, hint=interpreters.install_command(allowed[0].python))


def _rules(project: Project) -> list[Rule]:
    pinned = "" if project.path.is_file() else _pinned(project.folder / ".python-version")
    if not (project.requires_python or pinned):
        return []
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # takes a while, and most projects say nothing

    rules = []
    if project.requires_python:
        try:
            allowed = SpecifierSet(project.requires_python)
        except InvalidSpecifier as error:
            raise UsageError(
                f"not a version range: {project.requires_python}",
                where=f"{project.table_source} requires-python",
                hint='requires-python = ">=3.11"',
            ) from error
        rules.append(Rule(allowed, "requires-python", project.requires_python))
    if pinned:
        rules.append(Rule(SpecifierSet(f"=={pinned}.*"), ".python-version", pinned))
    return rules


def _pinned(path: Path) -> str:
    """The minor version in a .python-version ("3.12.4", "cpython-3.12", "python3.12"), or nothing."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        found = re.match(r"\s*(?:cpython@?-?|python)?(3\.\d+)\b", line)
        if found:
            return found[1]
    return ""


def _allows(rule: Rule, python: str) -> bool:
    """Whether any patch release of this minor version is allowed: ">=3.12.4" allows 3.12, "<3.13" does not allow 3.13."""
    return any(rule.allowed.contains(f"{python}.{patch}", prereleases=True) for patch in (*range(31), 99))


def _newest(on: date) -> str:
    return next((runtime.name for runtime in calendar.supported_runtimes(on)), "python3.13")
