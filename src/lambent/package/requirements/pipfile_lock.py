"""Pipfile.lock, written by Pipenv."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from packaging.utils import canonicalize_name

from lambent.errors import PackagingError
from lambent.package.lock import Pin, Repository
from lambent.package.requirements.direct_lines import resolve_lines
from lambent.package.requirements.file_lookup import LockedPackage, archive_pin, check_complete, find_files, local_pin
from lambent.package.requirements.markers import matches
from lambent.package.requirements.pip_compile import temporary_requirements
from lambent.package.requirements.requested import mark_requested, name_of, without_project
from lambent.package.requirements.requirement_lines import OLD_PYPI, PYPI
from lambent.package.requirements.resolve_request import ResolveRequest, check_names
from lambent.package.requirements.toml_file import read_toml
from lambent.package.urls import without_credentials

Entry = Mapping[str, Any]

_MARKERS = (
    "os_name",
    "sys_platform",
    "platform_machine",
    "platform_system",
    "platform_python_implementation",
    "python_version",
)


def read_pins(request: ResolveRequest) -> tuple[Pin, ...]:
    """Return the pins of a Pipfile.lock for the target. Raises PackagingError."""
    entries = {name: entry for name, entry in read_pipfile(request).items() if fits(entry, request)}
    lines = [f"{name}[{','.join(map(str, entry.get('extras', ())))}]" for name, entry in entries.items()]
    packages, index = read_packages(request), lines_of_lock(request)
    if request.without:
        packages = _needed(packages, [line for line in lines if name_of(line) not in request.without], index, request)
    pins = find_files(packages, request, index, entries)
    return mark_requested(without_project(pins, request.source.folder), lines, request.target)


def lines_of_lock(request: ResolveRequest) -> tuple[str, ...]:
    """Return the lines that say where uv looks for the packages of the lock. Raises PackagingError."""
    return tuple(index_lines(_read_lock(request).get("_meta", {}).get("sources", ()), request))


def _needed(
    packages: tuple[LockedPackage, ...], lines: list[str], index: Sequence[str], request: ResolveRequest
) -> tuple[LockedPackage, ...]:
    """Return the packages that these lines lead to without those that `without` names. The lock doesn't note who needs what."""
    versions = (f"{package.name}=={package.version}" for package in packages if package.version and not package.pin)
    with temporary_requirements(versions) as constraints:
        try:
            needed = {pin.name for pin in resolve_lines(lines, (*index, f"-c {constraints}"), request)}
        except PackagingError:
            needed = {package.name for package in packages} - request.without
    request.omitted.update({package.name for package in packages} - needed)
    return tuple(package for package in packages if package.name in needed)


def read_packages(request: ResolveRequest) -> tuple[LockedPackage, ...]:
    """Return the packages of a Pipfile.lock for the target, without their URLs. Raises PackagingError."""
    lock, required = _read_lock(request), read_pipfile(request)
    sections = ["default", *("develop" if group == "dev-packages" else group for group in request.options.groups)]
    check_names("group", sections, lock.keys() - {"_meta"}, request.source.name)
    check_complete(required, lock["default"], request, "pipenv lock")
    entries = {name: entry for section in sections for name, entry in normalize(lock[section]).items()}
    return tuple(
        _locked_package(name, entry, request)
        for name, entry in entries.items()
        if fits(entry, request) and fits(required.get(name, {}), request)
    )


def _read_lock(request: ResolveRequest) -> dict[str, Any]:
    try:
        lock: dict[str, Any] = json.loads(request.path.read_text("utf-8"))
    except ValueError as error:
        raise PackagingError(f"not valid JSON: {error}", where=request.source.name, hint="pipenv lock") from error
    return lock


def read_pipfile(request: ResolveRequest) -> dict[str, Entry]:
    """Return the packages of the Pipfile, by normalized name."""
    return normalize((read_toml(request.source.folder / "Pipfile") or {}).get("packages", {}))


def normalize(section: Mapping[str, Any]) -> dict[str, Entry]:
    """Return a section with normalized names, and a table for each entry, which may be a bare version."""
    return {
        canonicalize_name(name): entry if isinstance(entry, dict) else {"version": str(entry)}
        for name, entry in section.items()
    }


def fits(entry: Entry, request: ResolveRequest) -> bool:
    """Return whether an entry's markers hold. In a Pipfile each variable may be a key, and the lock can lose that key."""
    markers = [str(entry["markers"])] if entry.get("markers") else []
    markers += [f"{name} {entry[name]}" for name in _MARKERS if name in entry]
    return all(matches(marker, request.target) for marker in markers)


def index_lines(sources: list[dict[str, Any]], request: ResolveRequest) -> list[str]:
    """Return the sources as lines for uv: the first is the index, the others are extra. ${VARIABLES} are expanded."""
    environ, lines = request.uv.environ, []
    for number, source in enumerate(sources):
        url = re.sub(r"\$\{?(\w+)\}?", lambda match: environ.get(match[1], match[0]), str(source["url"]))
        url = OLD_PYPI.sub(PYPI, url)
        lines.append(f"{'--extra-index-url' if number else '--index-url'} {url}")
    return lines if any("pypi.org/simple" not in line for line in lines) else []


def _locked_package(name: str, entry: Entry, request: ResolveRequest) -> LockedPackage:
    version = str(entry.get("version", "")).removeprefix("==").replace("*", "")
    if not version and not entry.keys() & {"git", "path", "file"}:
        python = request.target.python  # Pipenv leaves out the version if the Python it runs on doesn't need the package
        hint = f"pipenv --python {python} lock, or give it a version in the Pipfile"
        raise PackagingError(f"{name} is not locked for Python {python}", where=request.source.name, hint=hint)
    hashes = frozenset(map(str, entry.get("hashes", ())))
    location = entry.get("path") or entry.get("file")
    pin = None
    if "git" in entry:
        url, commit = without_credentials(str(entry["git"]).removeprefix("git+")), str(entry.get("ref", ""))
        pin = Pin(name, version, repository=Repository(url, commit, entry.get("subdirectory", "")))
    elif location and "://" in location:
        pin = archive_pin(name, version, location, hashes)
    elif location:
        pin = local_pin(name, version, (request.source.folder / location).resolve(), hashes)
    return LockedPackage(name, version, hashes, pin=pin)
