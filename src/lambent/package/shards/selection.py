"""Which bytecode a zip gets: that of the modules a start reaches, the nearest first where room is short."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lambent.package.shards import startup
from lambent.package.shards.bytecode import Bytecode, place
from lambent.package.shards.imports import Imports
from lambent.package.shards.shard import Shard

_FORMAT = "1"  # raise it when the same tables would give another answer


def reached(made: Sequence[Shard], own: Mapping[str, Imports], roots: Iterable[str], cache: Path) -> tuple[str, ...]:
    """`startup.reached` of shards and the user's own modules, kept: it is asked for at every build, and seldom changes."""
    words = [[path, *map(sorted, (each.now, each.later, each.strings))] for path, each in sorted(own.items())]
    parts = [_FORMAT, startup.rules_text(), [each.path.name for each in made], words, sorted(roots)]
    path = cache / "startup" / f"{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]}.json"
    try:
        kept = json.loads(path.read_text("utf-8"))
        if kept["sha256"] == _digest(kept["reached"]):
            return tuple(kept["reached"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    plugins = [point for each in made for point in each.facts.entry_points]
    found = startup.reached([own, *(each.imports() for each in made)], roots, plugins)
    _keep(path, found)
    return tuple(found)


def select(code: Iterable[Bytecode | None], names: Iterable[str], python: str, room: int) -> frozenset[str]:
    """The members of `code` to splice: those of the source files `names`, in that order, while they fit in `room` bytes."""
    sizes = {entry.name: entry.raw for each in code if each for entry in each.entries}
    chosen = set()
    for name in names:
        member = place(name, python)
        if sizes.get(member, room) < room:
            chosen.add(member)
            room -= sizes[member]
    return frozenset(chosen)


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
