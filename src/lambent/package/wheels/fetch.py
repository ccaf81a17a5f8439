"""From a lock to wheels on this disk: those that are there already, those to fetch, and those to build.

A file that the cache has is not read again: what makes shards of it says so (`used`), and only then is it compared with its
hash, so that a damaged one is found and had once more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from lambent.events import Warned
from lambent.lazy import LazyModule
from lambent.package.cache import disk_error
from lambent.package.lock import DistFile, Lock, Pin, Wheel
from lambent.package.target import Target
from lambent.package.wheels.choose_wheel import choose, wheel_name
from lambent.package.wheels.download_request import Wanted
from lambent.package.wheels.fetch_context import Means
from lambent.package.wheels.wheel_store import Store, Stored, is_whole

if TYPE_CHECKING:
    from lambent.package.wheels import credentials, download_pool, fetch_errors, registry_client, source_build
else:  # for what is not in the store yet
    credentials = LazyModule("lambent.package.wheels.credentials")
    download_pool = LazyModule("lambent.package.wheels.download_pool")
    fetch_errors = LazyModule("lambent.package.wheels.fetch_errors")
    registry_client = LazyModule("lambent.package.wheels.registry_client")
    source_build = LazyModule("lambent.package.wheels.source_build")

Used = Callable[[Wheel], bool]


def always(wheel: Wheel) -> bool:
    """A `Used` for callers that read every wheel."""
    return True


def fetch(lock: Lock, target: Target, means: Means, used: Used = always) -> tuple[Wheel, ...]:
    """The wheels of a lock, in its order. Raises PackagingError, and leaves nothing half.

    A wheel for which `used` is false is not looked at, and need not be there: its content is known by its hash.
    """
    try:
        return _fetch(lock, target, means, used)
    except OSError as error:
        raise disk_error("keep the wheels", error, means.store.folder) from error


class _Way(Struct, frozen=True):
    """How a package is had: `file` is what is fetched for it, a wheel, or a source distribution to be `built`."""

    pin: Pin
    file: DistFile | None
    built: bool


def _fetch(lock: Lock, target: Target, means: Means, used: Used) -> tuple[Wheel, ...]:
    ways = [_way(pin, target, means, lock.source) for pin in lock.pins]
    found = {way.pin.name: _there(way, target, means, used) for way in ways}
    lacking = [way for way in ways if found[way.pin.name] is None]
    _get(lacking, means)
    for way in lacking:
        found[way.pin.name] = _made(way, target, means)
    return tuple(_wheel(way, stored) for way in ways if (stored := found[way.pin.name]) is not None)


def _way(pin: Pin, target: Target, means: Means, asked_in: str) -> _Way:
    wheel = choose(pin, target)
    if wheel is not None:
        return _Way(pin, wheel, False)
    if pin.folder is not None or pin.repository is not None:
        return _Way(pin, None, True)
    if pin.sdist is not None and (means.native is not None or not _has_code(pin)):
        return _Way(pin, pin.sdist, True)
    raise fetch_errors.no_wheel(pin, target, asked_in)


def _has_code(pin: Pin) -> bool:
    """Whether there are wheels for some machines: then its source is native code, and only a compiler makes one of it."""
    names = (wheel_name(wheel.filename) for wheel in pin.wheels)
    return any(name is not None and not name.neutral for name in names)


def _there(way: _Way, target: Target, means: Means, used: Used) -> Stored | None:
    """The wheel in the store, or None when it has to be had, or is damaged and will be read."""
    stored: Stored | None
    if way.built:
        sdist = _known(way.file, means.store)
        if way.file is not None and sdist is None:
            return None
        stored = means.store.recorded(source_build.key(way.pin, target, means, sdist.sha256 if sdist else ""))
    else:
        stored = _known(way.file, means.store)
    if stored is None or (used(_wheel(way, stored)) and not is_whole(stored)):
        return None
    return stored


def _known(file: DistFile | None, store: Store) -> Stored | None:
    return store.find(file) if file else None


def _get(lacking: Sequence[_Way], means: Means) -> None:
    wanted = []
    for way in lacking:
        if way.file is None or ((stored := means.store.find(way.file)) and way.built and is_whole(stored)):
            continue
        wanted.append(Wanted(way.file, way.pin.name, way.pin.version, way.pin.index))
    if not wanted:
        return
    for each in wanted:
        if not each.file.hashes:
            means.emit(Warned(f"{each.package}: nothing says what {each.file.filename} must be, so it is taken as it comes"))
    logins = credentials.Credentials(means.environ, means.project, means.inputs)
    download_pool.download(wanted, means.store, registry_client.Http(means.environ, logins), means.environ, means.emit)


def _made(way: _Way, target: Target, means: Means) -> Stored | None:
    """The wheel of a package whose file has just been fetched."""
    stored = _known(way.file, means.store)
    if not way.built:
        return stored
    known = source_build.key(way.pin, target, means, stored.sha256 if stored else "")
    return source_build.build(way.pin, target, means, stored.path if stored else None, known)


def _wheel(way: _Way, stored: Stored) -> Wheel:
    name = wheel_name(stored.path.name)
    version = name.version if name and (way.built or not way.pin.version) else way.pin.version
    return Wheel(
        name=way.pin.name,
        version=version,
        filename=stored.path.name,
        path=stored.path,
        sha256=stored.sha256,
        built=way.built,
        asked=way.pin.asked,
        extras=way.pin.extras,
    )
