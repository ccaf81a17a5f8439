"""Sources that have to be compiled, and packages whose wheels take their place.

A host with the libraries and a compiler installs the source. Lambda has neither. psycopg's authors publish wheels of the same
code under another name, which imports find as well; PyMySQL is another driver with the interface of mysqlclient, whose name it
gets (`stand_ins.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace
from packaging.version import Version

from lambent import calendar
from lambent.events import Notice
from lambent.package.lock import Pin
from lambent.package.requirements.implied_packages import find_implied
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.requirements.version_finder import VersionFinder
from lambent.package.target import Target
from lambent.package.wheels.choose_wheel import choose_wheel

_BINARIES = {"psycopg2": "psycopg2-binary", "psycopg-c": "psycopg-binary"}
_DRIVERS = {"mysqlclient": "pymysql"}


def with_binaries(
    pins: Iterable[Pin], request: ResolveRequest, version_finder: Callable[[ResolveRequest], VersionFinder]
) -> tuple[Pin, ...]:
    """Return the pins, with the binary package instead of a source that has to be compiled, and with that of psycopg 3.

    It has the same version, or if that has no wheel for the target, the next patch release that has one. The replaced packages
    are added to the request's `omitted`. `version_finder` is only called if it is needed: it may read the lock again.
    """
    pins = tuple(pins)
    names = {pin.name for pin in pins}
    replaced = []
    for pin in pins:
        name = _BINARIES.get(pin.name) or _DRIVERS.get(pin.name, "")
        if not name or pin.sdist is None or request.options.native or choose_wheel(pin, request.target) is not None:
            replaced.append(pin)
        elif name in names:
            request.omitted.add(pin.name)
        elif binary := _substitute(pin, name, request, version_finder(request)):
            request.omitted.add(pin.name)
            what = f"{name} {binary.version}, its wheels" if pin.name in _BINARIES else f"{name} {binary.version} in its place"
            request.emit(Notice(f"{pin.name} {pin.version} needs a compiler: using {what}"))
            replaced.append(replace(binary, requested=pin.requested))
        else:
            replaced.append(pin)
    return (*replaced, *_of_bare_psycopg(replaced, request, version_finder))


def _of_bare_psycopg(
    pins: list[Pin], request: ResolveRequest, version_finder: Callable[[ResolveRequest], VersionFinder]
) -> Iterator[Pin]:
    """Yield the binary package of a psycopg 3 that a lock has without one, for libpq. What uv resolves has it already."""
    versions = {pin.name: pin.version for pin in pins}
    for implied in find_implied(pins, request):
        version = versions[implied.package]
        if implied.requirement and (binary := _binary(implied.name, version, request, version_finder(request))):
            request.emit(Notice(implied.reason))
            yield replace(binary, requested=True)


def _substitute(pin: Pin, name: str, request: ResolveRequest, versions: VersionFinder) -> Pin | None:
    return versions.newest_compatible(name) if pin.name in _DRIVERS else _binary(name, pin.version, request, versions)


def _binary(name: str, version: str, request: ResolveRequest, versions: VersionFinder) -> Pin | None:
    """Return the binary package: the same version or the next patch release that fits, else the same, else the next at all.

    The same version rules out this runtime if it fits another. If it fits none, the next version at all is taken.
    """
    pinned = Version(version)
    newer = [pin for pin in reversed(versions.all_versions(name)) if Version(pin.version) >= pinned]
    fitting = [pin for pin in newer if choose_wheel(pin, request.target) is not None]
    patches = [pin for pin in fitting if Version(pin.version).release[:2] == pinned.release[:2]]
    same = [pin for pin in newer if Version(pin.version) == pinned]
    usable = [pin for pin in same if _fits_any_runtime(pin, request.target)]
    return next(iter(patches or usable or fitting or same), None)


def _fits_any_runtime(pin: Pin, target: Target) -> bool:
    runtimes = [runtime for runtime in calendar.RUNTIMES if runtime.glibc >= calendar.AL2]  # those before are gone
    return any(choose_wheel(pin, Target(each.python, target.architecture, each.glibc)) for each in runtimes)
