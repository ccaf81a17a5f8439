"""Finds the files of packages in a lock that has names, versions and hashes, but no URLs.

Only files whose hash is in the lock are used: what the lock's own tool wouldn't install doesn't go into the zip.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import canonicalize_name

from lambent.errors import PackagingError
from lambent.package.lock import DistFile, Pin
from lambent.package.requirements import left_out
from lambent.package.requirements.pip_compile import CompileInput, temporary_requirements
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.requirements.unneeded import unneeded_of_lock
from lambent.package.requirements.uv_resolver import UvResolver
from lambent.package.shards import slim
from lambent.package.unfit import UnfitError
from lambent.package.urls import without_credentials


class LockedPackage(Struct, frozen=True):
    """A package in such a lock. `version` is "" if the lock leaves it open, and `hashes` are "sha256:..." texts.

    `pin` is set if the lock says where the package comes from, so that there is nothing to look up. `requires` are the names of
    the packages that it needs, as far as the lock says so.
    """

    name: str
    version: str
    hashes: frozenset[str] = frozenset()
    index: str = ""
    pin: Pin | None = None
    requires: tuple[str, ...] = ()


def find_files(
    packages: Sequence[LockedPackage], request: ResolveRequest, index_lines: Sequence[str], required: Iterable[str]
) -> tuple[Pin, ...]:
    """Return the pins with their files, except what `without` leaves out. `index_lines` say where uv looks for packages.

    Raises PackagingError. An UnfitError has every package in the way; `required` are those that the project names itself.
    """
    requested = frozenset(required)
    packages = _without(packages, requested, request)
    complete = [package.pin for package in packages if package.pin]
    incomplete = {package.name: package for package in packages if not package.pin}
    failures: list[UnfitError] = []
    pins: tuple[Pin, ...] = ()
    while incomplete:
        try:
            pins = _look_up(incomplete.values(), request, index_lines)
            break
        except UnfitError as error:
            failures.append(error)
            misfits = incomplete.keys() & {blocker.name for blocker in error.blockers}
            if not misfits:
                raise
            unfit = {name: incomplete[name].version for name in misfits}
            requires = left_out.with_assumed_parents({package.name: package.requires for package in packages})
            unneeded = unneeded_of_lock(unfit, requires, requested, request)
            request.omitted.update(unneeded)
            if unneeded == misfits:
                failures.pop()
            incomplete = {name: package for name, package in incomplete.items() if name not in misfits}
    if failures:
        blockers = [blocker for error in failures for blocker in error.blockers if blocker.name not in request.omitted]
        raise UnfitError(failures[0], [replace(blocker, is_requested=blocker.name in requested) for blocker in blockers])
    return (*complete, *(_keep_locked_files(pin, incomplete[pin.name], request) for pin in pins))


def _without(
    packages: Sequence[LockedPackage], requested: frozenset[str], request: ResolveRequest
) -> tuple[LockedPackage, ...]:
    """Return the packages without those that `without` names, and what only they need: nothing of them is downloaded."""
    requires = {package.name: package.requires for package in packages}
    left_out = slim.packages_left_out(requires, requested, request.options.without)
    request.omitted.update(left_out)
    return tuple(package for package in packages if package.name not in left_out)


def _look_up(packages: Iterable[LockedPackage], request: ResolveRequest, index_lines: Sequence[str]) -> tuple[Pin, ...]:
    lines = [f"{package.name}{f'=={package.version}' if package.version else ''}" for package in packages]
    with temporary_requirements((*index_lines, *lines)) as path:
        return UvResolver(request, CompileInput((str(path),), tuple(index_lines), no_deps=True)).pins()


def _keep_locked_files(pin: Pin, package: LockedPackage, request: ResolveRequest) -> Pin:
    if not package.hashes:
        return pin
    wheels = tuple(wheel for wheel in pin.wheels if _is_locked(wheel.hashes, package))
    sdist = pin.sdist if pin.sdist and _is_locked(pin.sdist.hashes, package) else None
    if not wheels and not sdist:
        raise PackagingError(
            f"{request.source.name} has none of the index's files of {pin.name} {pin.version} for {request.target.name}",
            where=request.source.name,
            hint="lock again: the hashes are of other files",
        )
    return replace(pin, wheels=wheels, sdist=sdist)


def _is_locked(hashes: tuple[tuple[str, str], ...], package: LockedPackage) -> bool:
    """Return whether the lock has one of the hashes. If it uses other algorithms, the file is accepted.

    The download then checks the file against the index's own hash.
    """
    comparable = [pair for pair in hashes if any(text.startswith(f"{pair[0]}:") for text in package.hashes)]
    return not comparable or any(f"{algorithm}:{digest}" in package.hashes for algorithm, digest in comparable)


def check_complete(required: Iterable[str], locked: Iterable[str], request: ResolveRequest, command: str) -> None:
    """Raise PackagingError if the lock lacks a package that the app needs. `command` makes the lock again."""
    missing = sorted(set(required) - {canonicalize_name(name) for name in locked})
    if missing and request.optional.issuperset(missing):
        request.leave_unlocked(missing, command)
    elif missing:
        name = request.source.name
        raise PackagingError(f"{name} is out of date: it lacks {', '.join(missing[:5])}", where=name, hint=command)


def archive_pin(name: str, version: str, url: str, hashes: Iterable[str]) -> Pin:
    """Return a pin with one file, a wheel or a source distribution. `hashes` are "sha256:..." texts."""
    url = url.split("#")[0]
    filename = Path(url.split("?")[0]).name
    pairs = tuple(sorted((algorithm, digest) for algorithm, _, digest in (text.partition(":") for text in hashes)))
    file = DistFile(filename, without_credentials(url), pairs)
    return Pin(name, version, wheels=(file,)) if filename.endswith(".whl") else Pin(name, version, sdist=file)


def local_pin(name: str, version: str, path: Path, hashes: Iterable[str]) -> Pin:
    """Return the pin of a package in a local folder or file."""
    return Pin(name, version, folder=path) if path.is_dir() else archive_pin(name, version, path.as_uri(), hashes)
