"""`pylock.<target>.toml`: the packages of a build, kept for the next ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from lambent.config.model import Config
from lambent.errors import PackagingError
from lambent.events import Emit, Locked
from lambent.package.dependencies import Wishes, resolved
from lambent.package.requirements.find import pylock_path
from lambent.package.requirements.pylock import write_pylock
from lambent.package.target import Target


def write_lock(config: Config, cache: Path, environ: Mapping[str, str], emit: Emit, wishes: Wishes) -> Path:
    """Writes the lock beside the project's files; an earlier one decides, unless `wishes.refresh`. Raises PackagingError."""
    target = Target.of(config)
    path = pylock_path(config.path, target)
    try:
        _, resolution = resolved(config, target, cache, environ, emit, replace(wishes, anew=wishes.refresh))
        lock = resolution.lock
        write_pylock(lock, path, target)
    except OSError as error:
        raise PackagingError(f"cannot write {path.name}: {error.strerror or error}", where=str(path)) from error
    emit(Locked(path.name, len(lock.pins)))
    return path
