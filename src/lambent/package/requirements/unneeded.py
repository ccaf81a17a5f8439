"""Packages that don't fit, and that only servers and tools require which the app doesn't import: they are left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from packaging.utils import canonicalize_name

from lambent.events import Notice
from lambent.package.requirements import left_out
from lambent.package.requirements.requested import name_of
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.requirements.toml_file import read_toml

Graph = Mapping[str, Collection[str]]
_USER = ""  # the parent of what the user requires


def unneeded_of_lock(
    unfit: Mapping[str, str], requires: Graph, requested: Collection[str], request: ResolveRequest
) -> set[str]:
    """Return what `find_unneeded` does, from what each package requires and from what the user has requested."""
    parents: dict[str, set[str]] = {name: {_USER} if name not in request.optional else set() for name in requested}
    for name, needed in requires.items():
        for each in needed:
            parents.setdefault(each, set()).add(name)
    return find_unneeded(unfit, parents, request)


def find_unneeded(unfit: Mapping[str, str], parents: Graph, request: ResolveRequest) -> set[str]:
    """Return the names of those packages, and say so. `unfit` are names and versions; `parents` have what requires each."""
    required = left_out.required_by_unused(parents, request.optional)
    names = {name for name in unfit if name in required and not request.imported(left_out.modules_of([name]))}
    for name in sorted(names):
        request.emit(Notice(f"{name} {unfit[name]} is left out: it doesn't fit, and only {required[name]} requires it"))
    return names


def graph_of_lock(request: ResolveRequest) -> dict[str, set[str]]:
    """Return what each package of a uv.lock or pylock.toml requires. Empty if the lock doesn't say so."""
    table = read_toml(request.path) or {}
    graph: dict[str, set[str]] = {}
    for entry in table.get("package") or table.get("packages") or ():
        lists = [entry.get("dependencies", ()), *entry.get("optional-dependencies", {}).values()]
        names = (_name(dependency) for dependencies in lists for dependency in dependencies)
        graph.setdefault(canonicalize_name(entry.get("name", "")), set()).update(filter(None, names))
    return graph if any(graph.values()) else {}


def _name(dependency: Any) -> str:
    return canonicalize_name(dependency.get("name", "")) if isinstance(dependency, Mapping) else name_of(str(dependency)) or ""
