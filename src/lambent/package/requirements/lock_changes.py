"""What has changed since a uv.lock was made, and whether that concerns the packages of the zip.

A group for development or the project's own version may be newer than the lock: what is packed stays the same.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from lambent.errors import PackagingError
from lambent.package.lock import Pin
from lambent.package.requirements.lock_key import folders_in_uv_lock
from lambent.package.requirements.requested import parse_requirement
from lambent.package.requirements.resolve_request import ResolveOptions, ResolveRequest
from lambent.package.requirements.toml_file import read_toml
from lambent.package.uv_command import UvError

Export = Callable[[ResolveRequest], tuple[Pin, ...]]
"""Returns the pins of a request's uv.lock that are packed."""

_COPIED = ("pyproject.toml", "setup.py", "setup.cfg", "uv.toml")
_NAMES_MAX = 4


class _Requirement(Struct, frozen=True):
    """A requirement without its marker. Two of the same meaning are equal: ">= 1.0" and ">=1"."""

    extras: frozenset[str]
    specifier: SpecifierSet

    @classmethod
    def parse(cls, requirement: Requirement) -> _Requirement:
        return cls(frozenset(map(canonicalize_name, requirement.extras)), requirement.specifier)

    def __str__(self) -> str:
        return f"{f'[{_comma(self.extras)}]' if self.extras else ''}{_comma(map(str, self.specifier))}"


class LockedRequirements(Struct, frozen=True):
    """What a uv.lock says the project required when it was made, and what it requires now, as lines.

    `unversioned` are the packages that come from a folder, a repository or a URL.
    """

    before: tuple[str, ...] = ()
    now: tuple[str, ...] = ()
    unversioned: frozenset[str] = frozenset()

    def differences(self) -> dict[str, str]:
        """Return how each package's requirement differs, in words. Markers aren't compared, because uv rewrites them."""
        before, now = self._by_name(self.before), self._by_name(self.now)
        texts = {}
        for name in sorted(before.keys() | now.keys()):
            locked, current = before.get(name, frozenset()), now.get(name, frozenset())
            if locked == current:
                continue
            if not locked:
                texts[name] = f"it lacks {_both(name, current)}"
            elif not current:
                texts[name] = f"{_both(name, locked)} is no longer required"
            else:
                texts[name] = f"it has {_both(name, locked)}, and the project {_both(name, current)}"
        return texts

    def _by_name(self, lines: Iterable[str]) -> dict[str, frozenset[_Requirement]]:
        by_name: dict[str, frozenset[_Requirement]] = {}
        for requirement in filter(None, map(parse_requirement, lines)):
            name = canonicalize_name(requirement.name)
            parsed = _Requirement.parse(requirement)
            parsed = replace(parsed, specifier=SpecifierSet()) if name in self.unversioned else parsed
            by_name[name] = by_name.get(name, frozenset()) | {parsed}
        return by_name


def requirements_of_project(table: Mapping[str, Any], request: ResolveRequest, lines: Iterable[str]) -> LockedRequirements:
    """Return what the lock of a project was made for. `lines` are those of its pyproject.toml that count now."""
    lock = read_toml(request.path) or {}
    name = canonicalize_name(str(table.get("project", {}).get("name", "")))
    packages = (package for package in lock.get("package", ()) if package.get("name") == name)
    metadata = next((package["metadata"] for package in packages if "metadata" in package), None)
    if metadata is None:
        return LockedRequirements()
    entries = [entry for entry in metadata.get("requires-dist", ()) if _is_selected(entry, request.options)]
    entries += [entry for group in request.options.groups for entry in metadata.get("requires-dev", {}).get(group, ())]
    return _locked(entries, lines)


def requirements_of_script(request: ResolveRequest, lines: Iterable[str]) -> LockedRequirements:
    """Return what the lock of a script was made for. `lines` are the script's own."""
    entries = (read_toml(request.path) or {}).get("manifest", {}).get("requirements", ())
    return _locked(entries, lines)


def _locked(entries: Sequence[Mapping[str, Any]], lines: Iterable[str]) -> LockedRequirements:
    unversioned = frozenset(canonicalize_name(entry["name"]) for entry in entries if _has_source(entry))
    return LockedRequirements(tuple(map(_line, entries)), tuple(lines), unversioned)


def stale(request: ResolveRequest, requirements: LockedRequirements, hint: str) -> PackagingError:
    """Return the error for a lock that is out of date, with what differs."""
    return _error(request, list(requirements.differences().values()), hint)


def check_same_pins(request: ResolveRequest, export: Export, options: Sequence[str], hint: str) -> None:
    """Raise PackagingError unless `uv lock` with these options would leave what is packed as it is.

    It runs in a copy of the project's files, because it changes the lock.
    """
    before = _versions(export(request))
    with tempfile.TemporaryDirectory(prefix="lambent-") as folder:
        copied = _copy(request, Path(folder))
        if copied is None:
            raise _error(request, [], hint)
        try:
            copied.uv.run("lock", "-q", *options)
        except UvError:
            raise _error(request, [], hint) from None
        now = _versions(export(copied))
    names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    if names:
        raise _error(request, [_change(name, before.get(name), now.get(name)) for name in names], hint)


def _error(request: ResolveRequest, texts: list[str], hint: str) -> PackagingError:
    name = request.source.name
    more = f", and {len(texts) - _NAMES_MAX} more" if len(texts) > _NAMES_MAX else ""
    detail = f": {'; '.join(texts[:_NAMES_MAX])}{more}" if texts else ""
    return PackagingError(f"{name} is out of date{detail}", where=name, hint=hint)


def _change(name: str, before: str | None, now: str | None) -> str:
    if before is None:
        return f"it lacks {name}"
    return f"{name} {before} is no longer needed" if now is None else f"{name} {before} becomes {now}"


def _both(name: str, requirements: Iterable[_Requirement]) -> str:
    return " and ".join(sorted(f"{name}{each}" for each in requirements))


def _comma(texts: Iterable[str]) -> str:
    return ",".join(sorted(texts))


def _versions(pins: Iterable[Pin]) -> dict[str, str]:
    return {pin.name: pin.version or str(pin.repository or "") for pin in pins}


def _copy(request: ResolveRequest, folder: Path) -> ResolveRequest | None:
    """Copy what uv reads to lock the project. None if it isn't all below the lock's folder."""
    root = request.path.parent
    for name in folders_in_uv_lock(request.path.read_text("utf-8")):
        if not (root / name).resolve().is_relative_to(root.resolve()):
            return None
        for file in filter(Path.is_file, (root / name / each for each in _COPIED)):
            target = folder / file.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    shutil.copyfile(request.path, folder / request.path.name)
    inside = folder / request.source.folder.resolve().relative_to(root.resolve())
    source = replace(request.source, path=folder / request.path.name, folder=inside)
    return ResolveRequest(source, request.target, replace(request.uv, folder=inside), request.options)


def _is_selected(entry: Mapping[str, Any], options: ResolveOptions) -> bool:
    extras = re.findall(r"extra == '([^']+)'", entry.get("marker", ""))
    return not extras or bool(set(extras) & set(map(canonicalize_name, options.extras)))


def _line(entry: Mapping[str, Any]) -> str:
    extras = f"[{','.join(entry['extras'])}]" if entry.get("extras") else ""
    return f"{entry['name']}{extras}{'' if _has_source(entry) else entry.get('specifier', '')}"


def _has_source(entry: Mapping[str, Any]) -> bool:
    """Return whether a locked requirement isn't one of an index, which has versions."""
    return any(key in entry for key in ("git", "url", "path", "directory", "editable", "virtual"))
