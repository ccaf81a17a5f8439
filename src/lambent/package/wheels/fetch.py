"""Turn a lock into wheels on this disk: find them in the cache, download them, or build them.

A cached file isn't read again on every build. Only if the caller is going to read it (`is_used`), its hash is checked, and a
damaged file is fetched again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from lambent.events import Emit, Warned
from lambent.lazy import LazyModule
from lambent.package.cache import disk_error
from lambent.package.lock import DistFile, Lock, Pin, Wheel
from lambent.package.target import Target
from lambent.package.wheels.choose_wheel import choose_wheel, parse_wheel_filename
from lambent.package.wheels.download_request import DownloadRequest
from lambent.package.wheels.fetch_context import FetchContext
from lambent.package.wheels.wheel_store import StoredFile, WheelStore, is_intact

if TYPE_CHECKING:
    from lambent.package.wheels import credentials, download_pool, fetch_errors, ordered_events, registry_client, source_build
else:  # only needed for what isn't in the store yet
    credentials = LazyModule("lambent.package.wheels.credentials")
    download_pool = LazyModule("lambent.package.wheels.download_pool")
    fetch_errors = LazyModule("lambent.package.wheels.fetch_errors")
    ordered_events = LazyModule("lambent.package.wheels.ordered_events")
    registry_client = LazyModule("lambent.package.wheels.registry_client")
    source_build = LazyModule("lambent.package.wheels.source_build")

_BUILDS_MAX = 4


def fetch(
    lock: Lock, target: Target, context: FetchContext, is_used: Callable[[Wheel], bool] = lambda wheel: True
) -> tuple[Wheel, ...]:
    """Return the wheels of a lock, in its order. Raises PackagingError, and leaves no incomplete files.

    A wheel for which `is_used` returns False isn't read and may be missing from the disk: its hash says what it contains.
    """
    try:
        return _fetch(lock, target, context, is_used)
    except OSError as error:
        raise disk_error("store the wheels", error, context.store.folder) from error


class _Plan(Struct, frozen=True):
    """How to get a package: `file` is the wheel to download, or the source distribution to build if `needs_build`."""

    pin: Pin
    file: DistFile | None
    needs_build: bool


def _fetch(lock: Lock, target: Target, context: FetchContext, is_used: Callable[[Wheel], bool]) -> tuple[Wheel, ...]:
    plans = [_plan(pin, target, context, lock.source) for pin in lock.pins]
    stored = {plan.pin.name: _find_stored(plan, target, context, is_used) for plan in plans}
    missing = [plan for plan in plans if stored[plan.pin.name] is None]
    _download(missing, context)
    stored |= {plan.pin.name: _find_file(plan, context.store) for plan in missing if not plan.needs_build}
    sources = [plan for plan in missing if plan.needs_build]
    if sources:
        jobs = [partial(_build, plan, target, context) for plan in sources]
        at_once = 1 if context.native else _BUILDS_MAX  # a compiler uses every core, and the first build sets up its tools
        built = ordered_events.run_in_parallel(jobs, context.emit, at_once)
        stored |= {plan.pin.name: wheel for plan, wheel in zip(sources, built, strict=True)}
    return tuple(_wheel(plan, file) for plan in plans if (file := stored[plan.pin.name]) is not None)


def _plan(pin: Pin, target: Target, context: FetchContext, lock_source: str) -> _Plan:
    wheel = choose_wheel(pin, target)
    if wheel is not None:
        return _Plan(pin, wheel, needs_build=False)
    if pin.folder is not None or pin.repository is not None:
        return _Plan(pin, None, needs_build=True)
    is_buildable = context.native is not None or pin.name in context.uncompiled or not _has_native_wheels(pin)
    if pin.sdist is not None and is_buildable:
        return _Plan(pin, pin.sdist, needs_build=True)
    raise fetch_errors.no_wheel(pin, target, lock_source)


def _has_native_wheels(pin: Pin) -> bool:
    """Return whether the package has wheels for some machines. Its source then holds native code and needs a compiler."""
    names = (parse_wheel_filename(wheel.filename) for wheel in pin.wheels)
    return any(name is not None and not name.is_platform_neutral for name in names)


def _find_stored(plan: _Plan, target: Target, context: FetchContext, is_used: Callable[[Wheel], bool]) -> StoredFile | None:
    """Return the wheel in the store, or None if it is missing, or is damaged and will be used."""
    stored = _find_file(plan, context.store)
    if plan.needs_build:
        if plan.file is not None and stored is None:
            return None
        key = source_build.build_key(plan.pin, target, context, stored.sha256 if stored else "")
        stored = context.store.read_record(key)
    if stored is None or (is_used(_wheel(plan, stored)) and not is_intact(stored)):
        return None
    return stored


def _find_file(plan: _Plan, store: WheelStore) -> StoredFile | None:
    return store.find(plan.file) if plan.file else None


def _download(missing: Sequence[_Plan], context: FetchContext) -> None:
    requests = []
    for plan in missing:
        if plan.file is None or ((stored := context.store.find(plan.file)) and plan.needs_build and is_intact(stored)):
            continue
        requests.append(DownloadRequest(plan.file, plan.pin.name, plan.pin.version, plan.pin.index))
    if not requests:
        return
    for request in requests:
        if not request.file.hashes:
            context.emit(Warned(f"{request.package}: the lock has no hash for {request.file.filename}, so it is not verified"))
    logins = credentials.Credentials(context.environ, context.project, context.inputs)
    client = registry_client.RegistryClient(context.environ, logins)
    download_pool.download_all(requests, context.store, client, context.environ, context.emit)


def _build(plan: _Plan, target: Target, context: FetchContext, emit: Emit) -> StoredFile:
    """Build the wheel of a package whose source has just been downloaded, if it isn't a folder or a commit."""
    stored = _find_file(plan, context.store)
    key = source_build.build_key(plan.pin, target, context, stored.sha256 if stored else "")
    return source_build.build(plan.pin, target, replace(context, emit=emit), stored.path if stored else None, key)


def _wheel(plan: _Plan, stored: StoredFile) -> Wheel:
    name = parse_wheel_filename(stored.path.name)
    version = name.version if name and (plan.needs_build or not plan.pin.version) else plan.pin.version
    return Wheel(
        name=plan.pin.name,
        version=version,
        filename=stored.path.name,
        path=stored.path,
        sha256=stored.sha256,
        built=plan.needs_build,
        requested=plan.pin.requested,
        extras=plan.pin.extras,
    )
