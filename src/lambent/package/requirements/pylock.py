"""pylock.toml (PEP 751): read for one target, and written.

Source: https://packaging.python.org/en/latest/specifications/pylock-toml/
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import tomli_w
from msgspec import Struct
from msgspec.structs import replace
from packaging.pylock import (
    Package,
    PackageArchive,
    PackageSdist,
    PackageVcs,
    PackageWheel,
    Pylock,
    PylockValidationError,
    is_valid_pylock_path,
)
from packaging.utils import canonicalize_name

from lambent.atomic import write_bytes
from lambent.errors import PackagingError
from lambent.package.lock import DistFile, Lock, Pin, Repository
from lambent.package.requirements.markers import marker_environment
from lambent.package.requirements.requested import parse_requirement
from lambent.package.requirements.resolve_request import ResolveOptions, ResolveRequest, check_names
from lambent.package.requirements.uv_target import full_version
from lambent.package.target import Target
from lambent.package.unfit import Blocker, UnfitError, fitting_pythons
from lambent.package.urls import local_path, without_credentials

_ADD_LINUX = "add \"sys_platform == 'linux'\" to environments in [tool.uv], then: uv lock"
_RELOCK = "lock again for this Python, or choose another --runtime"


class LockLocation(Struct, frozen=True):
    """Where a lock is: the base of its relative paths, its name in messages, and the index of files that name none."""

    folder: Path
    name: str
    index: str = ""


def read_pins(request: ResolveRequest) -> tuple[Pin, ...]:
    """Return the pins of a project's own pylock file. Raises PackagingError if it isn't for the target."""
    location = LockLocation(request.path.parent, request.source.name)
    return parse(request.path.read_text("utf-8"), location, request.target, request.options)


def parse(text: str, location: LockLocation, target: Target, options: ResolveOptions) -> tuple[Pin, ...]:
    """Return the pins of a lock for the target: markers evaluated, local paths absolute. Raises PackagingError."""
    try:
        lock = Pylock.from_dict(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, PylockValidationError) as error:
        hint = "write it again with the tool that made it"
        raise PackagingError(f"not a valid pylock file: {error}", where=location.name, hint=hint) from error
    _check_target(lock, location, target)
    check_names("extra", options.extras, lock.extras or (), location.name)
    check_names("dependency group", options.groups, lock.dependency_groups or (), location.name)
    requested = _read_requested(lock)
    pins: dict[str, Pin] = {}
    for package in lock.packages:
        if not _is_selected(package, lock, target, options):
            continue
        if package.name in pins:
            what = f"{package.name} is locked twice for {target.name}"
            raise PackagingError(what, where=location.name, hint="lock again with the tool that made it")
        if package.requires_python and not package.requires_python.contains(full_version(target)):
            what = f"{package.name} {package.version or ''} needs Python {package.requires_python}, not {target.python}"
            reason, pythons = f"needs Python {package.requires_python}", fitting_pythons(str(package.requires_python))
            mismatch = PackagingError(what, where=location.name, hint=_RELOCK)
            raise UnfitError(mismatch, [Blocker(str(package.name), str(package.version or ""), reason, pythons)])
        pin = _read_pin(package, location)
        extras = requested.get(package.name, ())
        pins[package.name] = replace(pin, requested=not requested or package.name in requested, extras=extras)
    return tuple(pins[name] for name in sorted(pins))


def _read_requested(lock: Pylock) -> dict[str, tuple[str, ...]]:
    """Return the packages that the user requires, with extras, as `write_pylock` noted them. Other tools don't."""
    lines = map(str, (lock.tool or {}).get("lambent", {}).get("requested", ()))
    requirements = [requirement for line in lines if (requirement := parse_requirement(line))]
    return {
        canonicalize_name(requirement.name): tuple(sorted(map(canonicalize_name, requirement.extras)))
        for requirement in requirements
    }


def _check_target(lock: Pylock, location: LockLocation, target: Target) -> None:
    if lock.requires_python and not lock.requires_python.contains(full_version(target)):
        what = f"the lock is for Python {lock.requires_python}, not {target.python}"
        mismatch = PackagingError(what, where=location.name, hint=_RELOCK)
        pythons = fitting_pythons(str(lock.requires_python))
        raise UnfitError(mismatch, [Blocker(location.name, "", f"is for Python {lock.requires_python}", pythons)])
    environment = marker_environment(target)
    if lock.environments and not any(marker.evaluate(environment, context="requirement") for marker in lock.environments):
        locked = "; ".join(map(str, lock.environments))
        hint = _ADD_LINUX if location.name.endswith("uv.lock") else "lock again for this target, with the tool that made it"
        mismatch = PackagingError(f"the lock is not for {target.name}: {locked}", where=location.name, hint=hint)
        raise UnfitError(mismatch, [Blocker(location.name, "", f"is for {locked}, not for {{python}}")])


def _is_selected(package: Package, lock: Pylock, target: Target, options: ResolveOptions) -> bool:
    if package.marker is None:
        return True
    selection: dict[str, Any] = {
        "extras": frozenset(options.extras),
        "dependency_groups": frozenset({*(lock.default_groups or ()), *options.groups}),
    }
    return package.marker.evaluate({**marker_environment(target), **selection}, context="lock_file")


def _read_pin(package: Package, location: LockLocation) -> Pin:
    version = str(package.version) if package.version else ""
    wheels = [_read_file(wheel, location) for wheel in package.wheels or ()]
    sdist = _read_file(package.sdist, location) if package.sdist else None
    folder = None
    repository = _read_repository(package.vcs, location) if package.vcs else None
    if package.directory:
        folder = _absolute(package.directory.path, location) / (package.directory.subdirectory or "")
    if package.archive:
        archive = _read_file(package.archive, location)
        if archive.filename.endswith(".whl"):
            wheels = [archive]
            version = version or archive.filename.split("-")[1]
        else:
            sdist = archive
    index = without_credentials(package.index or (location.index if package.wheels or package.sdist else ""))
    return Pin(str(package.name), version, tuple(wheels), sdist, folder, repository, index)


def _read_file(file: PackageWheel | PackageSdist | PackageArchive, location: LockLocation) -> DistFile:
    url = without_credentials(file.url) if file.url else _absolute(file.path or "", location).as_uri()
    name = getattr(file, "name", None) or unquote(PurePosixPath(urlsplit(url).path).name)
    hashes = tuple(sorted((algorithm, digest.lower()) for algorithm, digest in file.hashes.items()))
    return DistFile(name, url, hashes, file.size)


def _read_repository(vcs: PackageVcs, location: LockLocation) -> Repository:
    if vcs.type != "git":
        raise PackagingError(
            f"cannot build from a {vcs.type} repository, only from git",
            where=location.name,
            hint="require a release of the package, or its git repository",
        )
    url = without_credentials(vcs.url) if vcs.url else _absolute(vcs.path or "", location).as_uri()
    return Repository(url, vcs.commit_id, vcs.subdirectory or "")


def _absolute(path: str, location: LockLocation) -> Path:
    if path.startswith("file://"):
        return local_path(path)
    return Path(os.path.normpath(location.folder / path))


def write_pylock(lock: Lock, path: Path, target: Target) -> None:
    """Write a lock for one target, with local paths relative to it. Raises PackagingError or OSError."""
    if not is_valid_pylock_path(path):
        raise PackagingError(f"{path.name} is not a name for a pylock file", hint="pylock.toml, or pylock.<name>.toml")
    table = _to_table(lock, path.parent, target)
    Pylock.from_dict(table)  # validates it
    write_bytes(path, tomli_w.dumps(table).encode())


def _to_table(lock: Lock, folder: Path, target: Target) -> dict[str, Any]:
    environment = marker_environment(target)
    names = ("python_version", "sys_platform", "platform_machine", "implementation_name")
    requested = [pin.name + (f"[{','.join(pin.extras)}]" if pin.extras else "") for pin in lock.pins if pin.requested]
    return {
        "lock-version": "1.0",
        "environments": [" and ".join(f'{name} == "{environment[name]}"' for name in names)],
        "requires-python": f">={target.python}",
        "created-by": "lambent",
        "packages": [_package_table(pin, folder) for pin in lock.pins],
        "tool": {"lambent": {"requested": requested}},
    }


def _package_table(pin: Pin, folder: Path) -> dict[str, Any]:
    table: dict[str, Any] = {"name": pin.name}
    if pin.version and not pin.folder:
        table["version"] = pin.version
    if pin.folder:
        table["directory"] = {"path": _relative(pin.folder, folder)}
    elif pin.repository:
        table["vcs"] = {"type": "git", "url": pin.repository.url, "commit-id": pin.repository.commit}
        if pin.repository.subdirectory:
            table["vcs"]["subdirectory"] = pin.repository.subdirectory
    elif not pin.index and len(pin.wheels) + bool(pin.sdist) == 1:
        (file,) = (*pin.wheels, *([pin.sdist] if pin.sdist else []))
        table["archive"] = _file_table(file, folder)
    else:
        if pin.index:
            table["index"] = pin.index
        if pin.sdist:
            table["sdist"] = {"name": pin.sdist.filename} | _file_table(pin.sdist, folder)
        if pin.wheels:
            table["wheels"] = [{"name": wheel.filename} | _file_table(wheel, folder) for wheel in pin.wheels]
    return table


def _file_table(file: DistFile, folder: Path) -> dict[str, Any]:
    is_local = file.url.startswith("file://")
    location = {"path": _relative(local_path(file.url), folder)} if is_local else {"url": file.url}
    return location | ({} if file.size is None else {"size": file.size}) | {"hashes": dict(file.hashes)}


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()
