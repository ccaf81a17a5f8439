"""What goes into a zip: members of shards, and files of the project. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from lambent.package.archive import Entry
from lambent.package.layout import Layout
from lambent.package.shards.shard import Shard


class ZipContents(Struct, frozen=True, dict=True):
    """The shards of the dependencies, and the layout of the project's own files."""

    shards: tuple[Shard, ...]
    layout: Layout

    @cached_property
    def skipped(self) -> tuple[frozenset[str], ...]:
        """For each shard, the members that are left out: the project or a later package has a file of the same name."""
        names = set(self.layout.hidden)
        skipped = []
        for shard in reversed(self.shards):
            members = {entry.name for entry in shard.entries}
            skipped.append(frozenset(members & names))
            names |= members
        return tuple(reversed(skipped))

    @property
    def pairs(self) -> Iterator[tuple[Shard, frozenset[str]]]:
        """Each shard with the members that are left out of it."""
        return zip(self.shards, self.skipped, strict=True)

    def entries(self) -> Iterator[tuple[Shard, Entry]]:
        """Yield the members that are packed, with their shard."""
        for shard, skipped in self.pairs:
            for entry in shard.entries:
                if entry.name not in skipped:
                    yield shard, entry

    def own_sizes(self) -> dict[str, int]:
        """Return the sizes of the project's files in bytes."""
        return {name: file.size for name, file in self.layout.files}

    def sizes(self) -> Counter[str]:
        """Return the unzipped sizes in bytes, by package ("numpy 2.4.1") and by file of the project."""
        sizes = Counter(self.own_sizes())
        for shard, entry in self.entries():
            sizes[label(shard)] += entry.raw
        return sizes

    @cached_property
    def raw(self) -> int:
        """The unzipped size of everything together, in bytes."""
        return self.sizes().total()


def label(shard: Shard) -> str:
    """Return the package's name for people: "numpy 2.4.1"."""
    return f"{shard.wheel.name} {shard.wheel.version}"


def owners(shards: Sequence[Shard], prefix: str = "") -> dict[str, str]:
    """Return the package of each dependency's file, by its path in the zip, which begins with `prefix`."""
    return {prefix + entry.name: label(shard) for shard in shards for entry in shard.entries}
