"""The extras and groups of a project that declare a package. Pure, apart from reading pyproject.toml or the Pipfile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct
from packaging.utils import canonicalize_name

from lambent.module_packages import requirement_for
from lambent.package.requirements.discovery import RequirementSource
from lambent.package.requirements.poetry_project import groups_of
from lambent.package.requirements.requested import name_of
from lambent.package.requirements.toml_file import read_toml

_KINDS = ("uv.lock", "poetry.lock", "pdm.lock", "pyproject.toml", "poetry", "Pipfile", "Pipfile.lock")
"""The sources that can be installed with extras and groups."""
_DEVELOPMENT = "dev-packages"


class Option(Struct, frozen=True):
    """An extra or a group, and the normalized names of the packages that it declares itself."""

    kind: Literal["extra", "group"]
    name: str
    packages: frozenset[str]


def find_option(source: RequirementSource, module: str) -> Option | None:
    """Return the extra, or else the group, that declares the package of a module: the one with the fewest packages."""
    if source.kind not in _KINDS or not source.project.is_dir():
        return None
    if source.kind in ("Pipfile", "Pipfile.lock"):
        development = (read_toml(source.folder / "Pipfile") or {}).get(_DEVELOPMENT, {})
        options = [Option("group", _DEVELOPMENT, frozenset(map(canonicalize_name, development)))]
    else:
        options = list(_options(read_toml(source.project / "pyproject.toml") or {}))
    matches = [option for option in options if _declares(option.packages, module)]
    return min(matches, key=lambda option: (option.kind, len(option.packages)), default=None)


def _declares(packages: frozenset[str], module: str) -> bool:
    """Whether one of the packages provides a module, by their names. A part of a namespace may be in any of its packages."""
    top = canonicalize_name(module.partition(".")[0])
    if canonicalize_name(requirement_for(module)) in packages or top in packages:
        return True
    return top in ("azure", "google") and any(package.startswith(f"{top}-") for package in packages)


def _options(table: Mapping[str, Any]) -> Iterator[Option]:
    poetry = table.get("tool", {}).get("poetry", {})
    for name, lines in (*table.get("project", {}).get("optional-dependencies", {}).items(), *poetry.get("extras", {}).items()):
        yield Option("extra", name, _names(lines))
    for name, lines in table.get("dependency-groups", {}).items():
        yield Option("group", name, _names(lines))
    for name, group in groups_of(poetry).items():
        yield Option("group", name, frozenset(map(canonicalize_name, group.get("dependencies", {}))))


def _names(lines: Any) -> frozenset[str]:
    """Return the packages of requirement lines. What a group includes is in the group that it names."""
    return frozenset(name_of(line) for line in lines if isinstance(line, str))
