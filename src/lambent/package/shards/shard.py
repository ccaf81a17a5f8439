"""One cached archive per wheel and target, whose members are spliced into zips as they are (a shard).

A shard is keyed by all that goes into its bytes: the wheel's content, the target, the options, the rules, the compressor and
the format below. It is put in place with one rename, so that two builds at once both end with a whole one; a checksum in its
comment is compared each time it is opened (libdeflate's CRC-32 reads 8 GB/s), so a damaged one is found and made again.
Its last two members, never spliced, hold what was learnt of the wheel: the facts every build asks for, and the imports, which
only a build whose modules changed reads.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence, Set
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from lambent.errors import PackagingError
from lambent.lazy import LazyModule
from lambent.package.archive import COMPRESSOR, Archive, BadArchive, Entry
from lambent.package.cache import archive_comment, disk_error, mark_used
from lambent.package.lock import Wheel
from lambent.package.shards import import_scanner, slim
from lambent.package.shards.import_scanner import Imports
from lambent.package.shards.slim import SlimOptions
from lambent.package.target import Target

if TYPE_CHECKING:
    from lambent.package.shards import write
else:
    write = LazyModule("lambent.package.shards.write")

_FORMAT = "4"  # raise it when the same key would give other bytes
OWN = "\0"  # begins the names of members that are never spliced: no file can be called so
FACTS, IMPORTS = f"{OWN}facts.json", f"{OWN}imports.json"


class Facts(Struct, frozen=True):
    """What every build asks of a shard. Sizes in bytes.

    `dropped` is (rule, files, bytes); `binaries` maps shared objects and programs to `elf.Binary.as_json()`; `gone` are the
    paths of dropped modules that another package might import after all, and `outside` such imports by this one; `tools` the
    modules of build-time packages that it imports.
    """

    requires: tuple[str, ...]
    entry_points: tuple[tuple[str, str, str], ...]
    dropped: tuple[tuple[str, int, int], ...]
    stripped: int
    binaries: dict[str, dict[str, Any]]
    gone: tuple[str, ...]
    outside: tuple[str, ...]
    tools: tuple[str, ...]


class Shard:
    """An opened shard. `archive` is mapped, not read; close it after splicing."""

    def __init__(self, wheel: Wheel, path: Path, cached: bool) -> None:
        """Raises OSError or BadArchive when it is not there or not whole."""
        self.wheel = wheel
        self.path = path
        self.cached = cached
        self.archive = Archive(path)
        try:
            if self.archive.comment != archive_comment(self.archive.checksum()):
                raise BadArchive(str(path))
            self.facts = _facts(self.archive.read(FACTS))
        except (ValueError, KeyError, TypeError) as error:
            self.archive.close()
            raise BadArchive(str(path)) from error
        mark_used(path)

    @property
    def name(self) -> str:
        return self.wheel.name

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The members that belong in a zip."""
        return tuple(entry for entry in self.archive.entries if not entry.name.startswith(OWN))

    def imports(self) -> dict[str, Imports]:
        """What each module names, by its path."""
        return self._imports

    @cached_property
    def _imports(self) -> dict[str, Imports]:
        return import_scanner.unpack(json.loads(self.archive.read(IMPORTS))["imports"])

    def dropped(self) -> dict[str, str]:
        """The files that were left out, each with the rule that said so."""
        found: dict[str, str] = json.loads(self.archive.read(IMPORTS))["dropped"]
        return found

    def close(self) -> None:
        self.archive.close()


def shard(wheel: Wheel, target: Target, options: SlimOptions, cache: Path) -> Shard:
    """The shard of one wheel. Raises PackagingError when the wheel is not sound or the disk is full."""
    return shards([wheel], target, options, cache)[0]


def shards(
    wheels: Iterable[Wheel], target: Target, options: SlimOptions, cache: Path, own: Set[str] = frozenset()
) -> tuple[Shard, ...]:
    """The shards of many wheels that belong in a zip, sorted by package name, whatever order they come in.

    Left out, with `keep_all` excepted: pip and its like, when nothing that stays imports them and the user did not ask for
    them, and what `options.without` names. What one package drops as a test and another imports comes back in the end, and so
    does what the user's files import (`own`, dotted names).
    """
    todo = sorted(wheels, key=lambda wheel: (wheel.name, wheel.version))
    building = {} if options.keep_all else slim.unneeded_modules()
    made = [_ensure(wheel, target, options, cache) for wheel in todo if wheel.requested or wheel.name not in building]
    if len(made) < len(todo):
        used = {word for each in made for word in each.facts.tools} | {word.partition(".")[0] for word in own}
        made += [
            _ensure(wheel, target, options, cache)
            for wheel in todo
            if not wheel.requested and not used.isdisjoint(building.get(wheel.name, ()))
        ]
        made.sort(key=lambda each: (each.wheel.name, each.wheel.version))
    made = _without(made, options.without)
    wanted = {word for each in made for word in each.facts.outside} | own
    for index, each in enumerate(made if wanted else ()):
        back = slim.taken_back(each.facts.gone, wanted)
        if back:
            each.close()
            made[index] = _ensure(each.wheel, target, replace(options, keep=(*options.keep, *back)), cache)
    return tuple(made)


def _without(made: list[Shard], names: Sequence[str]) -> list[Shard]:
    gone = slim.left_out(
        {each.name: each.facts.requires for each in made}, {each.name for each in made if each.wheel.requested}, names
    )
    for each in made:
        if each.name in gone:
            each.close()
    return [each for each in made if each.name not in gone]


def key(wheel: Wheel, target: Target, options: SlimOptions) -> str:
    """Of all that goes into a shard's bytes."""
    parts = [_FORMAT, COMPRESSOR, wheel.sha256, wheel.name, target.name]
    parts += [str(wheel.built), options.of_one_wheel, slim.rules_text()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _ensure(wheel: Wheel, target: Target, options: SlimOptions, cache: Path) -> Shard:
    path = cache / "shards" / f"{key(wheel, target, options)}.zip"
    try:
        return Shard(wheel, path, True)
    except (OSError, BadArchive):
        pass
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write.write(wheel, target, options, path)
        return Shard(wheel, path, False)
    except BadArchive as error:
        raise PackagingError(
            "the cache does not keep what is written to it", where=str(path), hint="check that disk"
        ) from error
    except OSError as error:
        raise disk_error(f"prepare {wheel.name} {wheel.version}", error, path) from error


def _facts(stored: bytes) -> Facts:
    facts = json.loads(stored)
    return Facts(
        requires=tuple(facts["requires"]),
        entry_points=tuple((group, name, value) for group, name, value in facts["entry_points"]),
        dropped=tuple((rule, files, size) for rule, files, size in facts["dropped"]),
        stripped=facts["stripped"],
        binaries=facts["binaries"],
        gone=tuple(facts["gone"]),
        outside=tuple(facts["outside"]),
        tools=tuple(facts["tools"]),
    )


def conflicts(made: Sequence[Shard]) -> dict[str, tuple[str, ...]]:
    """Paths that more than one package brings, with the packages, in order: the last one's file is the one that counts."""
    total = sum(len(each.entries) for each in made)
    owners: dict[str, list[str]] = {}
    if len({entry.name for each in made for entry in each.entries}) == total:
        return {}
    for each in made:
        for entry in each.entries:
            owners.setdefault(entry.name, []).append(each.name)
    return {name: tuple(found) for name, found in sorted(owners.items()) if len(found) > 1}
