"""What goes into a zip: members of shards, and files of the project. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from lambent.package.archive import Entry
from lambent.package.layout import Layout
from lambent.package.shards.shard import Shard


class Contents(Struct, frozen=True, dict=True):
    """`layout` has the project's own files. Where they, or a later package's, want the path of a shard's member, that one is
    left out (`skipped`, a set for each shard).
    """

    shards: tuple[Shard, ...]
    layout: Layout

    @cached_property
    def skipped(self) -> tuple[frozenset[str], ...]:
        seen: set[str] = set(self.layout.hidden)
        found = []
        for shard in reversed(self.shards):
            names = {entry.name for entry in shard.entries}
            found.append(frozenset(names & seen))
            seen |= names
        return tuple(reversed(found))

    @property
    def pairs(self) -> Iterator[tuple[Shard, frozenset[str]]]:
        """Each shard with what is left out of it."""
        return zip(self.shards, self.skipped, strict=True)

    def entries(self) -> Iterator[tuple[Shard, Entry]]:
        """The members that are packed, with the shard they are in."""
        for shard, skip in self.pairs:
            for entry in shard.entries:
                if entry.name not in skip:
                    yield shard, entry

    def own_sizes(self) -> dict[str, int]:
        """The project's files, in bytes."""
        return {name: file.size for name, file in self.layout.own}

    def sizes(self) -> Counter[str]:
        """What takes the room, in bytes: packages ("numpy 2.4.1"), and files of the project."""
        sizes = Counter(self.own_sizes())
        for shard, entry in self.entries():
            sizes[label(shard)] += entry.raw
        return sizes


def label(shard: Shard) -> str:
    """The package as people name it: "numpy 2.4.1"."""
    return f"{shard.wheel.name} {shard.wheel.version}"


def owners(shards: Sequence[Shard], prefix: str = "") -> dict[str, str]:
    """The package of each file that a dependency brings, which begins with `prefix` in the zip."""
    return {prefix + entry.name: label(shard) for shard in shards for entry in shard.entries}
