"""From a lock to wheels on this disk: those that are there already, those to fetch, and those to build.

A file that the cache has is not read again: what makes shards of it says so (`used`), and only then is it compared with its
hash, so that a damaged one is found and fetched once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lambent.errors import PackagingError
from lambent.events import Emit, Warned, ignore
from lambent.package.lock import DistFile, Lock, Pin, Wheel
from lambent.package.target import Target
from lambent.package.wheels.choose import choose, offered, wheel_name
from lambent.package.wheels.credentials import Credentials
from lambent.package.wheels.download import download
from lambent.package.wheels.http import Http
from lambent.package.wheels.store import Store, Stored, is_whole
from lambent.package.wheels.wanted import Wanted

Used = Callable[[Wheel], bool]


@dataclass(frozen=True)
class Means:
    """What fetching and building may use.

    `project` is the folder whose settings name the indexes; `inputs` are files elsewhere (or scripts) whose URLs may hold
    credentials.
    """

    cache: Path
    environ: Mapping[str, str]
    project: Path
    emit: Emit = ignore
    inputs: tuple[Path, ...] = ()

    @property
    def store(self) -> Store:
        return Store(self.cache / "wheels")


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
        raise PackagingError(
            f"cannot keep the wheels: {error.strerror or error}",
            where=str(error.filename or means.store.folder),
            hint="make room, or set its permissions, and try again",
        ) from error


def _fetch(lock: Lock, target: Target, means: Means, used: Used) -> tuple[Wheel, ...]:
    chosen = [(pin, choose(pin, target)) for pin in lock.pins]
    for pin, file in chosen:
        if file is None:
            raise no_wheel(pin, target, lock.source)
    lacking = [_wanted(pin, file) for pin, file in chosen if file and not _there(pin, file, means.store, used)]
    if lacking:
        _get(lacking, means)
    return tuple(_wheel(pin, means.store.find(file), file) for pin, file in chosen if file)


def _there(pin: Pin, file: DistFile, store: Store, used: Used) -> bool:
    stored = store.find(file)
    return stored is not None and (not used(_wheel(pin, stored, file)) or is_whole(stored, file.size))


def _wanted(pin: Pin, file: DistFile) -> Wanted:
    return Wanted(file, pin.name, pin.version, pin.index)


def _get(wanted: list[Wanted], means: Means) -> None:
    for each in wanted:
        if not each.file.hashes:
            means.emit(Warned(f"{each.package}: nothing says what {each.file.filename} must be, so it is taken as it comes"))
    http = Http(means.environ, Credentials(means.environ, means.project, means.inputs))
    download(wanted, means.store, http, means.environ, means.emit)


def _wheel(pin: Pin, stored: Stored | None, file: DistFile) -> Wheel:
    assert stored is not None  # it has just been fetched
    name = wheel_name(file.filename)
    version = pin.version or (name.version if name else "")
    return Wheel(pin.name, version, file.filename, stored.path, stored.sha256, asked=pin.asked)


def no_wheel(pin: Pin, target: Target, source: str) -> PackagingError:
    """For a package that cannot be had for the target: which wheels there are, and what to do."""
    there = offered(pin)
    major, minor = target.glibc
    what = f"{pin.name} {pin.version} has no wheel for {target.name} (glibc {major}.{minor})"
    return PackagingError(
        f"{what}; there are: {there}" if there else what,
        where=source,
        hint=f"write a version that has one: https://pypi.org/project/{pin.name}/#files",
    )
