"""poetry.lock, written by Poetry 1 or 2.

Poetry 2 notes the groups and markers of each package. Poetry 1 doesn't, so lambent follows the dependencies from
pyproject.toml.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lambent.config.poetry_notation import allows
from lambent.errors import PackagingError
from lambent.package.lock import Pin, Repository
from lambent.package.requirements.file_lookup import LockedPackage, archive_pin, check_complete, find_files
from lambent.package.requirements.markers import matches
from lambent.package.requirements.poetry_project import groups_of
from lambent.package.requirements.pyproject import selected_lines
from lambent.package.requirements.requested import mark_requested, name_of
from lambent.package.requirements.resolve_request import ResolveRequest, check_names
from lambent.package.requirements.toml_file import read_toml
from lambent.package.requirements.uv_target import full_version
from lambent.package.urls import without_credentials

_NEVER_LOCKED = frozenset(("distribute", "pip", "setuptools", "wheel"))
"""Packages that every virtual environment had: Poetry before 1.3 leaves them out of its lock (`Provider.UNSAFE_PACKAGES`)."""


class _Dependency(Struct, frozen=True):
    """A dependency: package, extras and versions (in Poetry's notation, "" for any)."""

    name: str
    extras: tuple[str, ...] = ()
    versions: str = ""


def read_pins(request: ResolveRequest) -> tuple[Pin, ...]:
    """Return the pins of a poetry.lock for the target. Raises PackagingError."""
    lock = _PoetryLock(request)
    packages = lock.packages()
    pins = find_files(packages, request, _extra_indexes(packages), [root.name for root in lock.roots])
    lines = (f"{root.name}[{','.join(root.extras)}]" for root in lock.roots)
    return mark_requested(pins, lines, request.target)


def index_lines(request: ResolveRequest) -> tuple[str, ...]:
    """Return the lines that say where uv looks for the packages of the lock. Raises PackagingError."""
    return _extra_indexes(read_packages(request))


def _extra_indexes(packages: Iterable[LockedPackage]) -> tuple[str, ...]:
    return tuple(f"--extra-index-url {index}" for index in dict.fromkeys(filter(None, (package.index for package in packages))))


def read_packages(request: ResolveRequest) -> tuple[LockedPackage, ...]:
    """Return the packages of a poetry.lock for the target, without their URLs. Raises PackagingError."""
    return _PoetryLock(request).packages()


class _PoetryLock:
    """A poetry.lock and its pyproject.toml, read for one request."""

    def __init__(self, request: ResolveRequest) -> None:
        self._request = request
        self._lock = read_toml(request.path) or {}
        self._pyproject = read_toml(request.source.folder / "pyproject.toml") or {}
        self._poetry: Mapping[str, Any] = self._pyproject.get("tool", {}).get("poetry", {})
        self.roots = list(self._roots())

    def packages(self) -> tuple[LockedPackage, ...]:
        """Return the packages for the target. Raises PackagingError."""
        request, name = self._request, self._request.source.name
        groups = {**groups_of(self._poetry), **self._pyproject.get("dependency-groups", {})}
        check_names("dependency group", request.options.groups, groups, name)
        check_names("extra", request.options.extras, self._lock.get("extras", {}), name)
        entries = self._lock.get("package", ())
        check_complete((root.name for root in self.roots), (entry["name"] for entry in entries), request, "poetry lock")
        entries = [entry for entry in entries if self._supports_python(str(entry.get("python-versions", "*")))]
        if any("groups" in entry for entry in entries):
            entries = [entry for entry in entries if self._is_selected(entry)]
        else:
            entries = list(self._follow(entries))
        return tuple(self._locked_package(entry) for entry in entries)

    def _supports_python(self, versions: str) -> bool:
        return allows(versions, full_version(self._request.target))

    def _is_selected(self, entry: Mapping[str, Any]) -> bool:
        """Return whether one of the entry's groups is selected, and its marker holds."""
        groups = {"main", *self._request.options.groups} & {canonicalize_name(group) for group in entry["groups"]}
        markers = entry.get("markers")
        if isinstance(markers, dict):  # one for each group
            return any(self._matches(markers.get(group)) for group in groups)
        return bool(groups) and self._matches(markers)

    def _matches(self, marker: str | None, extras: Iterable[str] | None = None) -> bool:
        extras = self._request.options.extras if extras is None else extras
        return matches(marker, self._request.target, map(canonicalize_name, extras))

    def _roots(self) -> Iterator[_Dependency]:
        """Yield what pyproject.toml requires, in the standard's tables or in Poetry's own."""
        options = self._request.options
        for line in selected_lines(self._pyproject, options):
            requirement = Requirement(line)
            if self._matches(str(requirement.marker) if requirement.marker else None):
                extras = tuple(sorted(requirement.extras))
                yield _Dependency(canonicalize_name(requirement.name), extras, str(requirement.specifier))
        extras = self._poetry.get("extras", {})
        optional = {name_of(line) for extra in options.extras for line in extras.get(extra, ())}
        groups = (groups_of(self._poetry).get(group, {}) for group in options.groups)
        for table in (self._poetry, *groups):
            for name, value in table.get("dependencies", {}).items():
                if name != "python":
                    yield from self._dependencies(name, value, optional)

    def _dependencies(
        self, name: str, value: object, optional: Iterable[str] = (), extras: Iterable[str] | None = None
    ) -> Iterator[_Dependency]:
        """Yield the dependencies in a value: a version, a table, or a list of tables for different systems.

        An optional dependency counts if it has a marker that holds, or is one of `optional`.
        """
        name = canonicalize_name(name)
        for alternative in value if isinstance(value, list) else [value]:
            table = alternative if isinstance(alternative, dict) else {"version": str(alternative)}
            if table.get("optional") and "markers" not in table and name not in optional:
                continue
            if not self._matches(table.get("markers") or None, extras):
                continue
            if "python" in table and not self._supports_python(table["python"]):
                continue
            if table.get("platform") in (None, "linux"):
                yield _Dependency(name, tuple(table.get("extras", ())), str(table.get("version", "")))

    def _follow(self, entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield the entries that the roots lead to, each once."""
        by_name: dict[str, list[dict[str, Any]]] = {}
        for entry in entries:
            by_name.setdefault(canonicalize_name(entry["name"]), []).append(entry)
        followed: dict[str, set[str]] = {}
        pending = list(self.roots)
        while pending:
            dependency = pending.pop()
            candidates = by_name.get(dependency.name, [])
            if not candidates and dependency.name in _NEVER_LOCKED | self._request.unlocked:
                continue
            if not candidates:
                what = f"{dependency.name} is not in the lock for {self._request.target.name}"
                raise PackagingError(what, where=self._request.source.name, hint="poetry lock")
            allowed = (entry for entry in candidates if allows(dependency.versions, entry["version"]))
            entry = next(allowed, candidates[0])
            is_new = dependency.name not in followed
            extras = followed.setdefault(dependency.name, set())
            if not is_new and extras.issuperset(dependency.extras):
                continue
            extras.update(dependency.extras)
            if is_new:
                yield entry
            for name, value in entry.get("dependencies", {}).items():
                pending += self._dependencies(name, value, extras=extras)

    def _locked_package(self, entry: Mapping[str, Any]) -> LockedPackage:
        name, version = canonicalize_name(entry["name"]), str(entry["version"])
        files = entry.get("files") or self._lock.get("metadata", {}).get("files", {}).get(entry["name"], [])
        hashes = frozenset(str(file["hash"]) for file in files)
        source = entry.get("source", {})
        kind, url = source.get("type"), str(source.get("url", ""))
        path = (self._request.source.folder / url).resolve()
        pin = None
        if kind == "git":
            subdirectory = str(source.get("subdirectory", ""))
            repository = Repository(without_credentials(url), str(source["resolved_reference"]), subdirectory)
            pin = Pin(name, version, repository=repository)
        elif kind == "directory":
            pin = Pin(name, version, folder=path)
        elif kind in ("file", "url"):
            pin = archive_pin(name, version, url if kind == "url" else path.as_uri(), hashes)
        requires = tuple(map(canonicalize_name, entry.get("dependencies", ())))
        return LockedPackage(name, version, hashes, url if kind == "legacy" else "", pin, requires)
