"""Which packages the user's own requirement lines name, and with which extras."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec.structs import replace
from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from lambent.package.lock import Pin
from lambent.package.requirements.markers import matches
from lambent.package.target import Target


def parse_requirement(line: str) -> Requirement | None:
    """Return the requirement in a line, or None for a line without a package name, such as a path or a plain URL."""
    egg = re.search(r"#egg=([\w.-]+(?:\[[^\]]*\])?)", line)
    try:
        return Requirement(egg[1] if egg else re.split(r"\s--[a-z]", line)[0])
    except InvalidRequirement:
        return None


def name_of(line: str) -> str:
    """Return the normalized name of the package that a line requires, or ""."""
    requirement = parse_requirement(line)
    return canonicalize_name(requirement.name) if requirement else ""


def applies(line: str, target: Target) -> bool:
    """Return whether a line counts on the target. A marker that can't be read or evaluated counts."""
    requirement = parse_requirement(line)
    try:
        return requirement is None or matches(requirement.marker, target)
    except (UndefinedComparison, UndefinedEnvironmentName):
        return True


def mark_requested(pins: Sequence[Pin], lines: Iterable[str], target: Target) -> tuple[Pin, ...]:
    """Return the pins with `requested` and `extras` set by the user's requirement lines. Without lines, all are requested."""
    extras: dict[str, set[str]] = {}
    for line in lines:
        if requirement := parse_requirement(line):
            names = requirement.extras if applies(line, target) else ()
            extras.setdefault(canonicalize_name(requirement.name), set()).update(map(canonicalize_name, names))
    return tuple(
        replace(pin, requested=not extras or pin.name in extras, extras=tuple(sorted(extras.get(pin.name, ())))) for pin in pins
    )


def without_project(pins: Sequence[Pin], project: Path) -> tuple[Pin, ...]:
    """Return the pins without the project itself (`-e .`), whose files go into the zip anyway."""
    return tuple(pin for pin in pins if pin.folder is None or pin.folder.resolve() != project.resolve())
