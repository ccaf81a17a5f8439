"""Which packages go out where not all fit into Lambda's 250 MB. Pure.

Packages go out together where they share a folder that is one Python package, or where one's native code loads another's; a
package that shares one with the user's own files stays. As little as possible goes, native packages first: every start of an
environment fetches it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from lambent.package.compiler import source_of
from lambent.package.shards.shard import Shard
from lambent.package.startup import Startup
from lambent.package.zip_contents import Contents

SLACK = 262_144
"""Bytes that are left free in the zip."""


class Unit(Struct, frozen=True):
    """Shards that stay together, by their index. `raw` is what they take unpacked, bytecode included."""

    shards: tuple[int, ...]
    raw: int
    native: bool


def choose(contents: Contents, begins: Startup, limit: int) -> frozenset[int]:
    """The shards that go out, by index, so that what stays takes less than `limit` bytes; none when that cannot be."""
    excess = contents.sizes().total() + begins.raw + _reserve(contents) - limit + 1
    units = _units(contents, begins)
    out: list[Unit] = []
    for native in (True, False):
        left = sorted((unit for unit in units if unit.native is native), key=lambda unit: (unit.raw, unit.shards))
        while excess > 0 and left:
            enough = next((unit for unit in left if unit.raw >= excess), left[-1])
            left.remove(enough)
            out.append(enough)
            excess -= enough.raw
    for unit in sorted(out, key=lambda unit: unit.raw):  # what was taken before something that is enough alone
        if excess + unit.raw <= 0:
            out.remove(unit)
            excess += unit.raw
    return frozenset(index for unit in out for index in unit.shards) if excess <= 0 else frozenset()


def _reserve(contents: Contents) -> int:
    """Room for the bytecode of the project's files, which is about as large as they are, and for the list of what went out."""
    return sum(size for name, size in contents.own_sizes().items() if name.endswith(".py")) + SLACK


def _units(contents: Contents, begins: Startup) -> list[Unit]:
    """The groups of shards that may go out."""
    groups = _Groups(len(contents.shards))
    homes = _join_packages(contents, groups)
    _join_libraries(contents.shards, groups)
    stay = {groups.of(index) for index in _with_own_files(contents, homes)}
    code = bytecode_sizes(begins)
    members: dict[int, list[int]] = {}
    for index in range(len(contents.shards)):
        members.setdefault(groups.of(index), []).append(index)
    units = []
    for first, found in members.items():
        raw = sum(
            entry.raw + code.get(entry.name, 0)
            for index in found
            for entry in contents.shards[index].entries
            if entry.name not in contents.skipped[index]
        )
        if first not in stay:
            units.append(Unit(tuple(found), raw, any(contents.shards[index].facts.binaries for index in found)))
    return units


class _Groups:
    """Numbers that belong together."""

    def __init__(self, count: int) -> None:
        self._above = list(range(count))

    def of(self, index: int) -> int:
        while self._above[index] != index:
            index = self._above[index]
        return index

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self.of(one), self.of(other)))
        self._above[second] = first


def _folders(name: str) -> Iterator[str]:
    folder = name.rpartition("/")[0]
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def _join_packages(contents: Contents, groups: _Groups) -> dict[str, int]:
    """A folder with an __init__.py is found in one place only: whoever has files below it goes with it."""
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
    """A library of another package is found by a path from one to the other."""
    brought: list[set[str]] = []
    for shard in shards:
        names = {path.rpartition("/")[2] for path in shard.facts.binaries}
        brought.append(names | {str(found["soname"]) for found in shard.facts.binaries.values() if "soname" in found})
    owner = {name: index for index, names in enumerate(brought) for name in names}
    for index, shard in enumerate(shards):
        for found in shard.facts.binaries.values():
            for needed in found.get("needed", ()):
                if needed not in brought[index] and needed in owner:
                    groups.join(index, owner[needed])


def _with_own_files(contents: Contents, homes: dict[str, int]) -> set[int]:
    """Shards that share a package with the user's own files."""
    own = {name for name, _ in contents.layout.own}
    found = {homes[folder] for name in own for folder in _folders(name) if folder in homes}
    packages = {name.rpartition("/")[0] for name in own if name.endswith("/__init__.py")}
    for index, shard in enumerate(contents.shards):
        if any(folder in packages for entry in shard.entries for folder in _folders(entry.name)):
            found.add(index)
    return found


def bytecode_sizes(begins: Startup) -> dict[str, int]:
    """Bytes of the bytecode of each source."""
    return {
        source_of(entry.name): entry.raw for each in begins.bytecode for entry in each.entries if entry.name in begins.names
    }
