"""The packages of a zip: asked for, resolved, fetched, and made ready to be spliced. One step after the other."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from lambent.config.model import Config
from lambent.errors import PackagingError
from lambent.events import Emit, Phase, Resolved
from lambent.lazy import LazyModule
from lambent.limits import UNZIPPED_MAX
from lambent.package.lock import Lock, Wheel
from lambent.package.requirements.find import Asked, find
from lambent.package.requirements.kept import Resolution
from lambent.package.requirements.question import Options
from lambent.package.requirements.resolve import resolve
from lambent.package.shards.shard import Shard, key, shards
from lambent.package.shards.slim import SlimOptions, unneeded_modules
from lambent.package.target import Target
from lambent.package.uv_command import Uv
from lambent.package.wheels.fetch import fetch
from lambent.package.wheels.fetch_context import FetchContext, NativeBuild

if TYPE_CHECKING:
    from lambent.package import pruning
else:
    pruning = LazyModule("lambent.package.pruning")

Part = Literal["all", "app", "layer"]
"""What of a function is built: all of it, or, where its dependencies are a layer, the app or that layer alone."""


class Wishes(Struct, frozen=True):
    """What a command may ask of one build. `native` builds packages with C code that have no fitting wheel; `refresh` asks the
    indexes again, even where the answer is known; `anew` passes over the lock that lambent wrote for the target. `unzipped_max`
    is what Lambda takes, in bytes. `imported` is what the app's own files import of modules that go where nobody does.
    """

    native: bool = False
    refresh: bool = False
    anew: bool = False
    part: Part = "all"
    unzipped_max: int = UNZIPPED_MAX
    imported: frozenset[str] = frozenset()


class Dependencies(Struct, frozen=True):
    """`shards` are open: `close` them after splicing."""

    asked: Asked
    lock: Lock
    shards: tuple[Shard, ...]

    @property
    def left_out(self) -> frozenset[str]:
        """Packages that the lock has and the zip has not: asked for, or tools that nothing imports."""
        return frozenset(pin.name for pin in self.lock.pins) - {shard.name for shard in self.shards}

    def close(self) -> None:
        for shard in self.shards:
            shard.close()


def resolved(
    config: Config, target: Target, cache: Path, environ: Mapping[str, str], emit: Emit, wishes: Wishes
) -> tuple[Asked, Resolution]:
    """What asks for the app's packages, and which they are. Raises PackagingError."""
    app = config.path / config.app.root / f"{config.app.module.replace('.', '/')}.py"
    asked = find(config.path, app, target, anew=wishes.anew)
    options = Options(config.packaging.extras, config.packaging.groups, wishes.native, wishes.refresh)
    return asked, resolve(asked, Uv(asked.folder, target, environ, cache / "uv-builds"), cache, options, emit)


def gather(config: Config, target: Target, cache: Path, environ: Mapping[str, str], emit: Emit, wishes: Wishes) -> Dependencies:
    """The packages that the app asks for, at the versions for the target. Raises PackagingError."""
    started = time.monotonic()
    asked, resolution = resolved(config, target, cache, environ, emit, wishes)
    known = time.monotonic()
    emit(Phase("resolve", known - started))
    if not resolution.lock.pins:
        return Dependencies(asked, resolution.lock, ())
    said = config.packaging
    slim = SlimOptions(said.keep_all, said.keep, said.drop, said.strip, said.without)
    inputs = (asked.path,) if asked.path else ()
    compiler = _compiler(target, cache, environ) if wishes.native else None
    context = FetchContext(cache, environ, asked.folder, emit, inputs, compiler)

    spare = {} if slim.keep_all else unneeded_modules()

    def unmade(wheel: Wheel) -> bool:
        if wheel.name in spare and not wheel.asked:
            return False  # it is left out; where something that stays imports it after all, it is fetched below
        return not (cache / "shards" / f"{key(wheel, target, slim)}.zip").exists()

    wheels = fetch(resolution.lock, target, context, unmade)
    fetched = time.monotonic()
    emit(Phase("fetch", fetched - known))
    try:
        made = shards(wheels, target, slim, cache, wishes.imported)
    except PackagingError:  # a shard is damaged, and the wheel not looked at for its sake may be as well; or one is not spare
        made = shards(fetch(resolution.lock, target, context), target, slim, cache, wishes.imported)
    emit(Phase("shards", time.monotonic() - fetched))
    cached = resolution.cached and all(shard.cached for shard in made)
    if not cached:
        written = sum(shard.path.stat().st_size for shard in made if not shard.cached)
        pruning.after_build(cache, environ, written, emit)
    emit(Resolved(len(made), resolution.lock.source, cached, time.monotonic() - started))
    return Dependencies(asked, resolution.lock, made)


def _compiler(target: Target, cache: Path, environ: Mapping[str, str]) -> NativeBuild:
    """What builds C code for the target; zig is looked for only when there is something to build."""
    from lambent.package.wheels.native.cross_build import (
        CrossBuilder,
    )  # a fifth of a second of imports, for a flag few builds have

    return CrossBuilder(target, cache, environ).build
