"""`pylock.<target>.toml`: the packages of a build, written next to the project's files for later builds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from lambent.config.model import Config
from lambent.errors import PackagingError
from lambent.events import Emit, Locked
from lambent.package.build_context import BuildContext, BuildOptions
from lambent.package.dependencies import resolve_requirements
from lambent.package.requirements.find import pylock_path
from lambent.package.requirements.pylock import write_pylock


def write_lock(config: Config, cache: Path, environ: Mapping[str, str], emit: Emit, options: BuildOptions) -> Path:
    """Write the lock file and return its path. With `options.refresh` an existing one is ignored. Raises PackagingError."""
    context = BuildContext.start(config, cache, environ, emit, replace(options, skip_own_lock=options.refresh))
    path = pylock_path(config.path, context.target)
    try:
        lock = resolve_requirements(context).lock
        write_pylock(lock, path, context.target)
    except OSError as error:
        raise PackagingError(f"cannot write {path.name}: {error.strerror or error}", where=str(path)) from error
    emit(Locked(path.name, len(lock.pins)))
    return path
