"""Find the shards of wheels in the cache, or build them.

The key of a shard covers everything that its bytes depend on: the wheel's content, the target, the options, the rules, the
compressor, and `_FORMAT`. A shard is renamed into place, so two builds at the same time both end up with a complete one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.errors import PackagingError
from lambent.lazy import LazyModule
from lambent.package.archive import COMPRESSOR, BadArchive
from lambent.package.cache import disk_error
from lambent.package.lock import Wheel
from lambent.package.shards import slim
from lambent.package.shards.shard import Shard
from lambent.package.shards.slim import SlimOptions
from lambent.package.target import Target

if TYPE_CHECKING:
    from lambent.package.shards import shard_builder
else:
    shard_builder = LazyModule("lambent.package.shards.shard_builder")

_FORMAT = "5"  # increase it when the same key would give other bytes


def shard_path(wheel: Wheel, target: Target, options: SlimOptions, cache: Path) -> Path:
    """Return where the shard of a wheel is, or would be."""
    parts = [_FORMAT, COMPRESSOR, wheel.sha256, wheel.name, target.name]
    parts += [str(wheel.built), options.wheel_key, slim.rules_text()]
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
    return cache / "shards" / f"{key}.zip"


def open_shard(wheel: Wheel, target: Target, options: SlimOptions, cache: Path) -> Shard:
    """Return the shard of a wheel, from the cache or newly built. Raises PackagingError for a bad wheel or a full disk."""
    path = shard_path(wheel, target, options, cache)
    try:
        return Shard(wheel, path, cached=True)
    except (OSError, BadArchive):
        pass
    try:
        shard_builder.build_shard(wheel, target, options, path)
        return Shard(wheel, path, cached=False)
    except BadArchive as error:
        raise PackagingError(
            "the cache returns other bytes than were written to it",
            where=str(path),
            hint="check that disk, or use another folder: --cache-dir DIR (LAMBENT_CACHE)",
        ) from error
    except OSError as error:
        raise disk_error(f"prepare {wheel.name} {wheel.version}", error, path) from error


def open_shards(
    wheels: Iterable[Wheel], target: Target, options: SlimOptions, cache: Path, app_imports: Set[str] = frozenset()
) -> tuple[Shard, ...]:
    """Return the shards of the wheels that belong in a zip, sorted by package name.

    Unless `keep_all` is set, this leaves out build tools such as pip that the user didn't request and that nothing else
    imports, and what `options.without` names. Tests that one package drops and another imports are kept after all, and so is
    what the user's files import (`app_imports`, dotted names).
    """
    ordered = sorted(wheels, key=lambda wheel: (wheel.name, wheel.version))
    tools = {} if options.keep_all else slim.build_tools(target.version)
    shards = [open_shard(wheel, target, options, cache) for wheel in ordered if wheel.requested or wheel.name not in tools]
    if len(shards) < len(ordered):
        imported = {word for shard in shards for word in shard.facts.build_tools}
        imported |= {word.partition(".")[0] for word in app_imports}
        shards += [
            open_shard(wheel, target, options, cache)
            for wheel in ordered
            if not wheel.requested and not imported.isdisjoint(tools.get(wheel.name, ()))
        ]
        shards.sort(key=lambda shard: (shard.wheel.name, shard.wheel.version))
    shards = _without(shards, options.without)
    words = {word for shard in shards for word in shard.facts.conditional_imports} | app_imports
    for index, shard in enumerate(shards if words else ()):
        restored = slim.imported_roots(shard.facts.dropped_modules, words)
        if restored:
            shard.close()
            shards[index] = open_shard(shard.wheel, target, replace(options, keep=(*options.keep, *restored)), cache)
    return tuple(shards)


def _without(shards: list[Shard], names: Sequence[str]) -> list[Shard]:
    """Return the shards without the named packages and what only those need. Closes the others."""
    requires = {shard.name: shard.facts.requires for shard in shards}
    requested = {shard.name for shard in shards if shard.wheel.requested}
    left_out = slim.packages_left_out(requires, requested, names)
    for shard in shards:
        if shard.name in left_out:
            shard.close()
    return [shard for shard in shards if shard.name not in left_out]
