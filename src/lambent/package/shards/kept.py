"""Which modules a start reaches, found once for a set of shards and imports, and then kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Set
from contextlib import suppress
from pathlib import Path

from lambent.package.cache import read_json, write_json
from lambent.package.shards import startup_modules
from lambent.package.shards.import_scanner import Imports
from lambent.package.shards.shard import Shard

_FORMAT = "3"  # raise it when the same tables would give another answer


def reached(
    parts: Iterable[tuple[Shard, Set[str]]], own: Mapping[str, Imports], roots: Iterable[str], cache: Path
) -> list[str]:
    """`startup_modules.reached` of shards and the user's own modules, kept: it is asked for at every build, and seldom changes.

    `parts` are the shards, each with the paths that are left out of it.
    """
    pairs, roots = list(parts), sorted(roots)
    words = [[path, *map(sorted, (each.now, each.later, each.strings))] for path, each in sorted(own.items())]
    said = [_FORMAT, startup_modules.rules_text(), [[shard.path.name, sorted(skip)] for shard, skip in pairs], words, roots]
    path = cache / "startup" / f"{hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]}.json"
    kept = read_json(path)
    if isinstance(kept, list):
        return kept
    tables = [{name: each for name, each in shard.imports().items() if name not in skip} for shard, skip in pairs]
    plugins = [point for shard, _ in pairs for point in shard.facts.entry_points]
    found = startup_modules.reached(own, tables, roots, plugins)
    with suppress(OSError):  # a full disk must not fail a build that needs nothing more of it
        write_json(path, found)
    return found
