"""pdm.lock. With the strategy `inherit_metadata`, which is the default, it notes each package's groups and markers.

Without it, lambent follows the dependencies from pyproject.toml.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from lambent.package.lock import DistFile, Pin, Repository
from lambent.package.requirements.file_lookup import LockedPackage, archive_pin, check_complete, find_files, local_pin
from lambent.package.requirements.markers import matches
from lambent.package.requirements.pyproject import index_lines, selected_lines
from lambent.package.requirements.requested import applies, mark_requested, name_of, parse_requirement, without_project
from lambent.package.requirements.resolve_request import ResolveRequest, check_names
from lambent.package.requirements.toml_file import read_toml
from lambent.package.requirements.uv_target import full_version
from lambent.package.urls import without_credentials


def read_pins(request: ResolveRequest) -> tuple[Pin, ...]:
    """Return the pins of a pdm.lock for the target. Raises PackagingError."""
    lines = _required_lines(request)
    pins = find_files(read_packages(request), request, index_lines(request), map(name_of, lines))
    return mark_requested(without_project(pins, request.source.folder), lines, request.target)


def read_packages(request: ResolveRequest) -> tuple[LockedPackage, ...]:
    """Return the packages of a pdm.lock for the target, without their URLs. Raises PackagingError."""
    lock, name = read_toml(request.path) or {}, request.source.name
    metadata, entries = lock.get("metadata", {}), lock.get("package", ())
    options = request.options
    check_names("group", (*options.groups, *options.extras), metadata.get("groups", ()), name)
    required = filter(None, map(name_of, _required_lines(request)))
    check_complete(required, (entry["name"] for entry in entries), request, "pdm lock")
    selected = {"default", *options.groups, *options.extras}
    if "inherit_metadata" in metadata.get("strategy", ()):
        chosen = [entry for entry in entries if selected & set(entry.get("groups", ())) and _fits(entry, request)]
    else:
        chosen = list(_follow([entry for entry in entries if _fits(entry, request)], request))
    packages: dict[str, LockedPackage] = {}
    for entry in chosen:  # a package has one more entry for each set of extras
        package = _locked_package(entry, request)
        first = packages.setdefault(package.name, package)
        packages[package.name] = replace(first, requires=(*first.requires, *package.requires))
    return tuple(packages.values())


def _follow(entries: list[dict[str, Any]], request: ResolveRequest) -> Iterator[dict[str, Any]]:
    """Yield the entries that the project's requirements lead to, for a lock that doesn't note who needs what."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        by_name.setdefault(canonicalize_name(entry["name"]), []).append(entry)
    pending, followed = list(_required_lines(request)), set[tuple[str, frozenset[str]]]()
    while pending:
        line = pending.pop()
        requirement = parse_requirement(line)
        if requirement is None or not applies(line, request.target):
            continue
        name, extras = canonicalize_name(requirement.name), frozenset(map(canonicalize_name, requirement.extras))
        if (name, extras) in followed:
            continue
        followed.add((name, extras))
        for entry in by_name.get(name, ()):
            if extras.issuperset(map(canonicalize_name, entry.get("extras", ()))):
                yield entry
                pending += entry.get("dependencies", ())


def _read_pyproject(request: ResolveRequest) -> Mapping[str, Any]:
    return read_toml(request.source.folder / "pyproject.toml") or {}


def _required_lines(request: ResolveRequest) -> list[str]:
    """Return the lines of pyproject.toml that count. Development groups may be in a table of PDM's own."""
    table = _read_pyproject(request)
    dev_groups = table.get("tool", {}).get("pdm", {}).get("dev-dependencies", {})
    dev_lines = [line for group in request.options.groups for line in dev_groups.get(group, ())]
    return selected_lines(table, request.options) + dev_lines


def _fits(entry: Mapping[str, Any], request: ResolveRequest) -> bool:
    python = SpecifierSet(entry.get("requires_python", ""))
    return python.contains(full_version(request.target)) and matches(entry.get("marker"), request.target)


def _locked_package(entry: Mapping[str, Any], request: ResolveRequest) -> LockedPackage:
    name, version = canonicalize_name(entry["name"]), str(entry.get("version", ""))
    files = entry.get("files", ())
    hashes = frozenset(str(file["hash"]) for file in files if "hash" in file)
    pin = None
    if "git" in entry:
        url, subdirectory = without_credentials(str(entry["git"])), entry.get("subdirectory", "")
        pin = Pin(name, version, repository=Repository(url, str(entry["revision"]), subdirectory))
    elif "path" in entry:
        pin = local_pin(name, version, (request.source.folder / entry["path"]).resolve(), hashes)
    elif "url" in entry:
        pin = archive_pin(name, version, str(entry["url"]), hashes)
    elif files and all("url" in file for file in files):
        pin = _pin_with_urls(name, version, files)
    requires = tuple(filter(None, map(name_of, entry.get("dependencies", ()))))
    return LockedPackage(name, version, hashes, pin=pin, requires=requires)


def _pin_with_urls(name: str, version: str, files: list[dict[str, str]]) -> Pin:
    """Return the pin of an entry with PDM's static URLs, for which there is nothing to look up."""
    dists = []
    for file in files:
        url = without_credentials(file["url"].split("#")[0])
        algorithm, _, digest = file["hash"].partition(":")
        dists.append(DistFile(url.rsplit("/", 1)[-1], url, ((algorithm, digest),)))
    wheels = tuple(dist for dist in dists if dist.filename.endswith(".whl"))
    return Pin(name, version, wheels, next((dist for dist in dists if dist not in wheels), None))
