"""The bytecode of shards: unchecked-hash .pyc by the target's own version of Python, deflated, ready to be spliced.

Beside each shard there is an archive that grows: modules are compiled when a build first wants them, and then kept. Which ones
a zip gets does not depend on what else is there, so the same build gives the same bytes from any cache. The sources are read
from the shard by the compiling process itself: two of them when there is very much to do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lambent.interpreters import Interpreter
from lambent.lazy import LazyModule
from lambent.package.archive import Archive, BadArchive, Entry
from lambent.package.cache import archive_comment, disk_error, mark_used
from lambent.package.shards.shard import Shard

if TYPE_CHECKING:
    from lambent.package.shards import compile_shards
else:
    compile_shards = LazyModule("lambent.package.shards.compile_shards")

_FORMAT = "2"  # raise it when the same source would give other bytes
FAILED = "\0failed.json"


class Bytecode:
    """The opened archive of a shard's bytecode. Close it after splicing."""

    def __init__(self, path: Path) -> None:
        """Raises OSError or BadArchive when it is not there or not whole."""
        self.path = path
        self.archive = Archive(path)
        if self.archive.comment != archive_comment(self.archive.checksum()):
            self.archive.close()
            raise BadArchive(str(path))
        self.failed = frozenset(json.loads(self.archive.read(FAILED)))
        mark_used(path)

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.archive.entries if entry.name != FAILED)

    def close(self) -> None:
        self.archive.close()


def place(name: str, python: str) -> str:
    """Where the bytecode of a source file is looked for."""
    folder, _, file = name.rpartition("/")
    return f"{folder}{'/' if folder else ''}__pycache__/{file[:-3]}.cpython-{python.replace('.', '')}.pyc"


def compiled(
    made: Sequence[Shard], wanted: Iterable[str], interpreter: Interpreter, cache: Path
) -> tuple[Bytecode | None, ...]:
    """For each shard an archive with at least the bytecode of its sources among `wanted`, or None where it has none.

    Sources that do not compile (templates, another version's syntax) have none. Raises PackagingError when the disk is full.
    """
    wanted = set(wanted)
    try:
        return _compiled(made, wanted, interpreter, cache / "bytecode")
    except OSError as error:
        raise disk_error("compile the dependencies", error, cache) from error


def _compiled(made: Sequence[Shard], wanted: set[str], interpreter: Interpreter, folder: Path) -> tuple[Bytecode | None, ...]:
    found: list[Bytecode | None] = []
    todo: dict[int, list[Entry]] = {}
    for index, shard in enumerate(made):
        sources = [entry for entry in shard.entries if entry.name in wanted]
        path = folder / f"{_key(shard, interpreter)}.zip"
        held = _open(path) if sources else None
        found.append(held)
        have = {entry.name for entry in held.entries} | held.failed if held else frozenset()
        missing = [entry for entry in sources if place(entry.name, interpreter.version) not in have]
        if missing:
            todo[index] = missing
    if not todo:
        return tuple(found)
    fresh = compile_shards.compile_all({index: (made[index].path, entries) for index, entries in todo.items()}, interpreter)
    for index, made_now in fresh.items():
        held, path = found[index], folder / f"{_key(made[index], interpreter)}.zip"
        names = (place(entry.name, interpreter.version) for entry in todo[index])
        compile_shards.write(held, dict(zip(names, made_now, strict=True)), path)
        if held:
            held.close()
        found[index] = Bytecode(path)
    return tuple(found)


def _key(shard: Shard, interpreter: Interpreter) -> str:
    stat = interpreter.path.stat()  # a patch release may compile to other bytes
    parts = [_FORMAT, shard.path.name, str(interpreter.path), str(stat.st_size), str(stat.st_mtime_ns)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _open(path: Path) -> Bytecode | None:
    try:
        return Bytecode(path)
    except (OSError, BadArchive, ValueError, KeyError):
        return None
