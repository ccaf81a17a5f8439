"""The first stages of a build: what the app requires, the wheels of that, and their shards."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from lambent.config.model import Config
from lambent.errors import PackagingError
from lambent.events import Emit, Notice, Resolved
from lambent.lazy import LazyModule
from lambent.package import app_imports
from lambent.package.build_context import BuildContext
from lambent.package.lock import Lock, Wheel
from lambent.package.project_files import collect_project
from lambent.package.proof import stdlib_modules
from lambent.package.requirements import left_out
from lambent.package.requirements.combined import combine
from lambent.package.requirements.discovery import RequirementSource, find_requirements
from lambent.package.requirements.resolve import resolve
from lambent.package.requirements.resolve_request import ResolveOptions, ResolveRequest
from lambent.package.shards.shard import Shard
from lambent.package.shards.shard_cache import open_shards, shard_path
from lambent.package.shards.slim import SlimOptions, build_tools
from lambent.package.target import Target
from lambent.package.uv_command import Uv
from lambent.package.wheels.fetch import fetch
from lambent.package.wheels.fetch_context import FetchContext

if TYPE_CHECKING:
    from lambent.package import pruning
    from lambent.package.requirements import inferred
    from lambent.package.wheels.native import cross_build
else:
    inferred = LazyModule("lambent.package.requirements.inferred")
    cross_build = LazyModule("lambent.package.wheels.native.cross_build")
    pruning = LazyModule("lambent.package.pruning")

_NO_APP = re.compile(r"(?:.*/)?(?:tests?/.*|(?:test_.*|conftest|setup|noxfile|fabfile|manage)\.py$)")
"""Files that a deployed app doesn't run, by their names."""


class Requirements(Struct, frozen=True):
    """Where the app states its requirements, and the exact files they resolve to. `cached` means that nothing was resolved.

    `added` are the packages that the source lacks, each with the app's files that import it.
    """

    source: RequirementSource
    lock: Lock
    cached: bool
    added: Mapping[str, Sequence[str]] = {}

    @property
    def local_packages(self) -> frozenset[Path]:
        """The folders of the packages that are built from sources on this machine."""
        return frozenset(pin.folder.resolve() for pin in self.lock.pins if pin.folder is not None)

    def omitted(self, shards: tuple[Shard, ...]) -> frozenset[str]:
        """Return the packages that are required and not in the zip: excluded ones, and tools that nothing imports."""
        resolved = frozenset(pin.name for pin in self.lock.pins) - {shard.name for shard in shards}
        return resolved | frozenset(self.lock.omitted) | frozenset(left_out.always())


def requirement_sources(config: Config, target: Target, *, skip_own_lock: bool = False) -> list[RequirementSource]:
    """Return where the app states its requirements: in one place, unless it is several functions.

    Raises PackagingError for requirements that can't be read.
    """
    is_function = config.app.kind == "handler"
    sources = {}
    for name in config.app.modules or ("",):
        app = _module_file(config, name)
        source = find_requirements(config.path, app, target, skip_own_lock=skip_own_lock, nearest_first=is_function)
        sources[source.path] = source
    return [source for path, source in sources.items() if path is not None] or list(sources.values())


def _module_file(config: Config, name: str) -> Path:
    """Return the file of one of the app's modules."""
    stems = [config.path / root / name.replace(".", "/") for root in (config.app.root, ".")]
    files = [stem / "__init__.py" if stem.is_dir() else stem.with_name(f"{stem.name}.py") for stem in stems]
    return next(filter(Path.is_file, files), files[0])


def resolve_request(context: BuildContext, added: Iterable[str] = (), imported: frozenset[str] = frozenset()) -> ResolveRequest:
    """Return what to resolve for a build, packages that are `added` included. Raises PackagingError for unreadable files.

    `imported` are modules that a start imports although none of the app's own files does.
    """
    config, options = context.config, context.options
    sources = requirement_sources(config, context.target, skip_own_lock=options.skip_own_lock)
    source = combine(sources, context.cache, context.environ)
    if source.kind == "nothing":
        source = inferred.infer(source, config.app, collect_project(config).files, context.cache)
    uv = Uv(source.folder, context.environ, context.cache / "uv-builds")
    packaging = config.packaging
    refresh = options.refresh and not options.refreshed
    settings = ResolveOptions(
        packaging.extras,
        packaging.groups,
        options.native,
        refresh,
        packaging.without,
        options.edits,
        config.uncompiled,
        (*dict(config.corrections), *added),
        config.released_until,
    )

    def find_imported(modules: frozenset[str]) -> frozenset[str]:
        return _imported(context, modules) | (imported & modules)

    return ResolveRequest(source, context.target, uv, settings, context.emit, find_imported)


def resolve_requirements(
    context: BuildContext, added: Mapping[str, Sequence[str]] | None = None, imported: frozenset[str] = frozenset()
) -> Requirements:
    """Return the packages the app requires, and those `added`, at exact versions for the target. Raises PackagingError.

    `imported` are modules that a start imports although none of the app's own files does.
    """
    request = resolve_request(context, added or (), imported)
    resolution = resolve(request, context.cache)
    return Requirements(request.source, resolution.lock, resolution.cached, added or {})


def _imported(context: BuildContext, modules: frozenset[str]) -> frozenset[str]:
    """Return which of these top-level modules the project's files import: tests and scripts only count if they have the app."""
    apps = {f"{module.rpartition('.')[2]}.py" for module in context.config.app.modules}
    files = collect_project(context.config).files
    programs = {name: file for name, file in files.items() if name.rpartition("/")[2] in apps or not _NO_APP.match(name)}
    return app_imports.imported_modules(programs, modules)


def fetch_wheels(context: BuildContext, requirements: Requirements) -> tuple[Wheel, ...]:
    """Return the wheels of all requirements, downloaded or built. Wheels whose shard is cached are not read."""
    return _fetch(context, requirements, lambda wheel: _needs_wheel(context, wheel))


def make_shards(
    context: BuildContext, requirements: Requirements, wheels: tuple[Wheel, ...], imports: frozenset[str], emit: Emit
) -> tuple[Shard, ...]:
    """Return the shards of the wheels that belong in the zip, open. `imports` are the app's imports of slimmed modules.

    `emit` gets what is only true if the build goes on with these shards.
    """
    if not wheels:
        return ()
    options = _slim_options(context)
    try:
        opened = open_shards(wheels, context.target, options, context.cache, imports)
    except PackagingError:  # a shard is damaged, or is needed after all: its wheel was not read, and may be damaged as well
        wheels = _fetch(context, requirements, lambda wheel: True)
        opened = open_shards(wheels, context.target, options, context.cache, imports)
    cached = requirements.cached and not context.options.refreshed and all(shard.cached for shard in opened)
    opened = _without_standard_modules(context, opened, emit)
    if not cached:
        written = sum(shard.path.stat().st_size for shard in opened if not shard.cached)
        pruning.after_build(context.cache, context.environ, written, context.emit)
    emit(Resolved(len(opened), requirements.lock.source, cached, time.monotonic() - context.started))
    return opened


def _without_standard_modules(context: BuildContext, shards: tuple[Shard, ...], emit: Emit) -> tuple[Shard, ...]:
    """Leave out packages whose modules Python has itself: in /var/task they would win, unlike in a virtual environment."""
    remaining = []
    for shard in shards:
        tops = {entry.name.partition("/")[0] for entry in shard.entries}
        modules = {top.partition(".")[0] for top in tops if not top.endswith((".dist-info", ".data", "__pycache__"))}
        if modules and all(stdlib_modules.has(module, context.target.version) for module in modules):
            emit(Notice(f"{shard.name} is left out: Python {context.target.python} has {min(modules)} itself"))
            shard.close()
        else:
            remaining.append(shard)
    return tuple(remaining)


def _fetch(context: BuildContext, requirements: Requirements, is_read: Callable[[Wheel], bool]) -> tuple[Wheel, ...]:
    if not requirements.lock.pins:
        return ()
    source, target, cache, environ = requirements.source, context.target, context.cache, context.environ
    compiler = cross_build.CrossBuilder(target, cache, environ).build if context.options.native else None
    inputs = (source.path,) if source.path else ()
    uncompiled = context.config.uncompiled
    fetch_context = FetchContext(cache, environ, source.folder, context.emit, inputs, compiler, uncompiled)
    return fetch(requirements.lock, target, fetch_context, is_read)


def _needs_wheel(context: BuildContext, wheel: Wheel) -> bool:
    """Whether a wheel has to be read, since its shard is not in the cache."""
    options = _slim_options(context)
    if not options.keep_all and wheel.name in build_tools() and not wheel.requested:
        return False  # it is omitted; `make_shards` fetches it if something that stays imports it
    return not shard_path(wheel, context.target, options, context.cache).exists()


def _slim_options(context: BuildContext) -> SlimOptions:
    packaging = context.config.packaging
    return SlimOptions(packaging.keep_all, packaging.keep, packaging.drop, packaging.strip, packaging.without)
