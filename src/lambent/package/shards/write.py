"""A wheel made into its shard: packed, with what was learnt of it at the end."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lambent import atomic
from lambent.package.archive import Writer, compress
from lambent.package.cache import ChecksumWriter, archive_comment
from lambent.package.lock import Wheel
from lambent.package.shards import import_scanner, shard_builder, slim
from lambent.package.shards.shard import FACTS, IMPORTS
from lambent.package.shards.slim import SlimOptions
from lambent.package.target import Target


def write(wheel: Wheel, target: Target, options: SlimOptions, path: Path) -> None:
    """Raises OSError for a disk that is full, PackagingError for a wheel that is not sound; leaves nothing half."""
    with atomic.replacing(path) as file, ThreadPoolExecutor() as pool:
        summed = ChecksumWriter(file)
        writer = Writer(summed)
        found = shard_builder.pack(wheel, target, options, writer, pool)
        writer.add(*compress(FACTS, json.dumps(_learnt(found), separators=(",", ":")).encode()))
        tables = {"imports": import_scanner.pack(found.imports), "dropped": found.dropped}
        writer.add(*compress(IMPORTS, json.dumps(tables, separators=(",", ":"), sort_keys=True).encode()))
        writer.close(lambda _: archive_comment(summed.checksum))


def _learnt(found: shard_builder.Findings) -> dict[str, Any]:
    files: dict[str, int] = {}
    for rule in found.dropped.values():
        files[rule] = files.get(rule, 0) + 1
    return {
        "requires": found.requires,
        "entry_points": found.entry_points,
        "dropped": [(rule, files[rule], found.dropped_bytes[rule]) for rule in sorted(files)],
        "stripped": found.stripped,
        "binaries": found.binaries,
        "gone": slim.module_roots(found.dropped),
        "outside": found.outside(),
        "tools": found.tools(),
    }
