"""Which modules a start reaches, found once for a set of shards and imports, and then kept."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path

from lambent.package.shards import startup
from lambent.package.shards.imports import Imports
from lambent.package.shards.shard import Shard

_FORMAT = "1"  # raise it when the same tables would give another answer


def reached(
    parts: Iterable[tuple[Shard, Set[str]]], own: Mapping[str, Imports], roots: Iterable[str], cache: Path
) -> list[str]:
    """`startup.reached` of shards and the user's own modules, kept: it is asked for at every build, and seldom changes.

    `parts` are the shards, each with the paths that are left out of it.
    """
    pairs, roots = list(parts), sorted(roots)
    words = [[path, *map(sorted, (each.now, each.later, each.strings))] for path, each in sorted(own.items())]
    said = [_FORMAT, startup.rules_text(), [[shard.path.name, sorted(skip)] for shard, skip in pairs], words, roots]
    path = cache / "startup" / f"{hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]}.json"
    try:
        kept = json.loads(path.read_text("utf-8"))
        if kept["sha256"] == _digest(kept["reached"]):
            return list(kept["reached"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    tables = [{name: each for name, each in shard.imports().items() if name not in skip} for shard, skip in pairs]
    plugins = [point for shard, _ in pairs for point in shard.facts.entry_points]
    found = startup.reached([own, *tables], roots, plugins)
    _keep(path, found)
    return found


def _digest(names: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(names).encode()).hexdigest()


def _keep(path: Path, names: Sequence[str]) -> None:
    """Best effort: a full disk must not fail a build that needs nothing more of it."""
    text = json.dumps({"reached": names, "sha256": _digest(names)})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError:
        return
