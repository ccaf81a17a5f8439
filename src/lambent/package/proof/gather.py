"""Gathers what a proof looks at: the packages' facts from their shards, and the user's own files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from lambent.package import elf
from lambent.package.elf import Binary
from lambent.package.layout import SourceFile
from lambent.package.proof.finding import Finding
from lambent.package.proof.imports import Code
from lambent.package.proof.native import Native
from lambent.package.proof.prove import Zip
from lambent.package.proof.requires import Metadata
from lambent.package.shards.imports import Imports
from lambent.package.shards.shard import Shard

_NATIVE = re.compile(r"\.so(\.\d+)*$")


def gather(
    shards: Sequence[Shard],
    own: Mapping[str, SourceFile],
    handlers: Sequence[str],
    size: tuple[int, int],
    requirements: tuple[Finding, ...] = (),
) -> Zip:
    """`own` are the user's files by their path in the zip, which stand before those of packages; `size` is (raw, zipped).

    Reads the imports of every package once (JSON, inflated), and of the user's files those that hold machine code.
    Raises OSError.
    """
    holders: dict[str, Shard] = {}
    graph: dict[str, Imports] = {}
    owners: dict[str, dict[str, int]] = {}
    natives: list[Native] = []
    for shard in shards:
        owner = f"{shard.wheel.name} {shard.wheel.version}"
        owners[owner] = {entry.name: entry.crc for entry in shard.entries}
        holders.update(dict.fromkeys(owners[owner], shard))
        graph.update(shard.imports())
        natives += _natives(shard, owner)

    @cache
    def source(name: str) -> bytes:
        return own[name].path.read_bytes() if name in own else holders[name].archive.read(name)

    natives = [native for native in natives if native.path not in own] + _own_natives(own)
    python = frozenset(name for name in own if name.endswith(".py"))
    code = Code(frozenset([*holders, *own]), python, source, {name: found for name, found in graph.items() if name not in own})
    return Zip(code, tuple(natives), tuple(handlers), owners, *size, requirements=requirements)


def _natives(shard: Shard, owner: str) -> list[Native]:
    neutral = shard.wheel.filename.endswith("-none-any.whl")
    there = {entry.name for entry in shard.entries}
    binaries = shard.facts.binaries.items()
    return [Native(name, Binary.from_json(stored), owner, neutral) for name, stored in binaries if name in there]


def _own_natives(own: Mapping[str, SourceFile]) -> list[Native]:
    found = []
    for name, file in own.items():
        if _NATIVE.search(name) or (file.executable and "." not in name.rpartition("/")[2]):
            binary = elf.read(file.path.read_bytes())
            if binary is not None:
                found.append(Native(name, binary))
    return found


def metadata(shard: Shard) -> Metadata:
    """What a package asks for, for `requires.unmet`."""
    return Metadata(shard.wheel.name, shard.wheel.version, tuple(shard.facts.requires))
