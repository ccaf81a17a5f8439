"""Chooses the packages that leave the zip if not all fit into Lambda's 250 MB. Pure.

Packages leave together if they share a folder that is one Python package, or if native code of one loads a library of the
other. A package that shares a folder with the user's own files stays. As little as possible leaves, native packages first,
since every new environment has to fetch it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from lambent.package.bytecode import ZipBytecode
from lambent.package.shards.shard import Shard
from lambent.package.zip_contents import ZipContents

SLACK = 262_144
"""Bytes that stay free in the zip."""


class Unit(Struct, frozen=True):
    """Shards that stay together, by their index. `raw` is their unzipped size in bytes, bytecode included."""

    shards: tuple[int, ...]
    raw: int
    native: bool


def choose(contents: ZipContents, bytecode: ZipBytecode, limit: int) -> frozenset[int]:
    """Return the shards that leave, by index, so that the rest takes less than `limit` bytes. Empty if that is impossible."""
    excess = contents.raw + bytecode.raw + _reserve(contents) - limit + 1
    units = _units(contents, bytecode)
    leaving: list[Unit] = []
    for native in (True, False):
        candidates = sorted((unit for unit in units if unit.native is native), key=lambda unit: (unit.raw, unit.shards))
        while excess > 0 and candidates:
            enough = next((unit for unit in candidates if unit.raw >= excess), candidates[-1])
            candidates.remove(enough)
            leaving.append(enough)
            excess -= enough.raw
    for unit in sorted(leaving, key=lambda unit: unit.raw):  # a later unit may be enough without it
        if excess + unit.raw <= 0:
            leaving.remove(unit)
            excess += unit.raw
    return frozenset(index for unit in leaving for index in unit.shards) if excess <= 0 else frozenset()


def _reserve(contents: ZipContents) -> int:
    """Return the bytes for the manifest, and for the bytecode of the project's files, which is about as large as they are."""
    return sum(size for name, size in contents.own_sizes().items() if name.endswith(".py")) + SLACK


def _units(contents: ZipContents, bytecode: ZipBytecode) -> list[Unit]:
    """Return the groups of shards that may leave."""
    groups = _Groups(len(contents.shards))
    homes = _join_packages(contents, groups)
    _join_libraries(contents.shards, groups)
    staying = {groups.of(index) for index in _with_own_files(contents, homes)}
    code = bytecode.sizes()
    members: dict[int, list[int]] = {}
    for index in range(len(contents.shards)):
        members.setdefault(groups.of(index), []).append(index)
    units = []
    for group, indexes in members.items():
        raw = sum(
            entry.raw + code.get(entry.name, 0)
            for index in indexes
            for entry in contents.shards[index].entries
            if entry.name not in contents.skipped[index]
        )
        if group not in staying:
            units.append(Unit(tuple(indexes), raw, any(contents.shards[index].facts.binaries for index in indexes)))
    return units


class _Groups:
    """Numbers in groups, each group known by its lowest number (a disjoint-set forest)."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))

    def of(self, index: int) -> int:
        while self._parents[index] != index:
            index = self._parents[index]
        return index

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self.of(one), self.of(other)))
        self._parents[second] = first


def _folders(name: str) -> Iterator[str]:
    folder = name.rpartition("/")[0]
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def _join_packages(contents: ZipContents, groups: _Groups) -> dict[str, int]:
    """Join shards that have files below the same `__init__.py`: Python finds such a folder in one place only.

    Returns the shard that has each `__init__.py`, by folder.
    """
    homes = {
        entry.name.rpartition("/")[0]: index
        for index, shard in enumerate(contents.shards)
        for entry in shard.entries
        if entry.name.endswith("/__init__.py")
    }
    for index, shard in enumerate(contents.shards):
        for entry in shard.entries:
            for folder in _folders(entry.name):
                if homes.get(folder, index) != index:
                    groups.join(index, homes[folder])
    return homes


def _join_libraries(shards: Sequence[Shard], groups: _Groups) -> None:
    """Join shards whose native code loads a library of the other: it finds it by a relative path."""
    provided: list[set[str]] = []
    for shard in shards:
        names = {path.rpartition("/")[2] for path in shard.facts.binaries}
        provided.append(names | {str(binary["soname"]) for binary in shard.facts.binaries.values() if "soname" in binary})
    providers = {name: index for index, names in enumerate(provided) for name in names}
    for index, shard in enumerate(shards):
        for binary in shard.facts.binaries.values():
            for library in binary.get("needed", ()):
                if library not in provided[index] and library in providers:
                    groups.join(index, providers[library])


def _with_own_files(contents: ZipContents, homes: dict[str, int]) -> set[int]:
    """Return the shards that share a package with the user's own files."""
    own = {name for name, _ in contents.layout.files}
    shared = {homes[folder] for name in own for folder in _folders(name) if folder in homes}
    packages = {name.rpartition("/")[0] for name in own if name.endswith("/__init__.py")}
    for index, shard in enumerate(contents.shards):
        if any(folder in packages for entry in shard.entries for folder in _folders(entry.name)):
            shared.add(index)
    return shared
