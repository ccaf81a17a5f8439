"""The bytecode that a zip carries for its dependencies: that of the modules which a start imports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from lambent.interpreters import Interpreter
from lambent.package.layout import is_runtime
from lambent.package.shards.bytecode_archive import Bytecode, compiled, place
from lambent.package.shards.import_scanner import scan
from lambent.package.shards.kept import reached
from lambent.package.zip_contents import Contents


class Startup(Struct, frozen=True):
    """`names` are members of the archives in `bytecode`, of `raw` bytes together; `left_out` modules had no room."""

    bytecode: tuple[Bytecode, ...] = ()
    names: frozenset[str] = frozenset()
    raw: int = 0
    left_out: int = 0

    def close(self) -> None:
        for each in self.bytecode:
            each.close()


def startup(contents: Contents, modules: Sequence[str], interpreter: Interpreter | None, cache: Path, room: int) -> Startup:
    """What the app's `modules` reach, nearest first, as far as `room` (bytes) goes. Nothing without an interpreter."""
    if interpreter is None or not contents.shards:
        return Startup()
    sources = [(name, file) for name, file in contents.layout.own if name.endswith(".py") and not is_runtime(name)]
    own = {name: scan(name, file.path.read_bytes()) for name, file in sources}
    wanted = [path for path in reached(contents.pairs, own, modules, cache) if path not in own]
    archives = tuple(each for each in compiled(contents.shards, wanted, interpreter, cache) if each is not None)
    sizes = {entry.name: entry.raw for each in archives for entry in each.entries}
    possible = [name for path in wanted if (name := place(path, interpreter.version)) in sizes]
    names, raw = [], 0
    for name in possible:
        if raw + sizes[name] <= room:
            names.append(name)
            raw += sizes[name]
    return Startup(archives, frozenset(names), raw, len(possible) - len(names))
