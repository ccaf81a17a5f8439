"""Resolves requirements to the exact files for one target. This is where the rest of lambent enters `requirements/`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lambent.events import Notice
from lambent.lazy import LazyModule
from lambent.package.lock import Lock
from lambent.package.requirements import left_out
from lambent.package.requirements.adding import lock_command
from lambent.package.requirements.implied_packages import find_implied
from lambent.package.requirements.lock_cache import Resolution, read_lock, write_lock
from lambent.package.requirements.lock_key import lock_key
from lambent.package.requirements.resolve_request import ResolveRequest

if TYPE_CHECKING:
    from lambent.package.requirements import readers
else:
    readers = LazyModule("lambent.package.requirements.readers")


def resolve(request: ResolveRequest, cache: Path) -> Resolution:
    """Return the lock for the request's target, from the cache if possible: then uv isn't started.

    Each pin has a wheel that fits the target, or a source to build: `sdist`, `folder` or `repository`. The cached lock is
    valid until an input changes (see `lock_key`) or `options.refresh` is set.
    Raises PackagingError, or OSError for a full disk.
    """
    source = request.source
    if source.path is None:
        return Resolution(Lock(source.name, ()), cached=True)
    path = cache / "locks" / f"{lock_key(request)}.json"
    cached = None if request.options.refresh else read_lock(path)
    if cached is not None and _is_current(cached, request):
        return Resolution(cached, cached=True)
    lock = readers.read_lock(request)
    write_lock(path, lock)
    _report(request, lock)
    return Resolution(lock)


def _is_current(lock: Lock, request: ResolveRequest) -> bool:
    """Return whether a cached lock still is right: the app may import by now what was left out, or what needs more."""
    if request.source.kind == "requirements.txt" and find_implied(lock.pins, request):
        return False
    modules = left_out.modules_of(frozenset(lock.omitted) - request.without - frozenset(left_out.always()))
    return not modules or not request.imported(modules)


def _report(request: ResolveRequest, lock: Lock) -> None:
    source = request.source
    if source.ignored:
        request.emit(Notice(f"using the dependencies in {source.name}, ignoring {', '.join(source.ignored)}"))
    for name in sorted(set(lock.omitted) - request.unlocked):
        if reason := left_out.reason(name, request.target.python):
            request.emit(Notice(reason))
    if command := lock_command(source):
        request.emit(Notice(f"{source.name} isn't locked, so the next build may get other versions: `{command}` fixes them"))
