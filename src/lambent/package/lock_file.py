"""`pylock.<target>.toml`: the packages of a build, written next to the project's files for later builds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.config.model import Config
from lambent.errors import PackagingError
from lambent.events import Emit, Locked
from lambent.lazy import LazyModule
from lambent.package.build import complete_requirements
from lambent.package.build_context import BuildOptions
from lambent.package.requirements.discovery import pylock_path
from lambent.package.target import Target

if TYPE_CHECKING:
    from lambent.package.requirements import pylock
else:
    pylock = LazyModule("lambent.package.requirements.pylock")


def write_lock(config: Config, cache: Path, environ: Mapping[str, str], emit: Emit, options: BuildOptions) -> Path:
    """Write the lock file and return its path. With `options.refresh` an existing one is ignored. Raises PackagingError."""
    target = Target.of(config)
    path = pylock_path(config.path, target)
    options = replace(options, skip_own_lock=options.refresh)
    lock = complete_requirements(config, cache, environ, emit, options).lock
    try:
        pylock.write_pylock(lock, path, target)
    except OSError as error:
        raise PackagingError(
            f"cannot write {path.name}: {error.strerror or error}", where=str(path), hint="fix the permissions of the folder"
        ) from error
    emit(Locked(path.name, len(lock.pins)))
    return path
