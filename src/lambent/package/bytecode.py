"""The bytecode of a zip: that of the user's files, and that of the dependencies' modules which a start imports."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from msgspec import Struct

from lambent.events import Warned
from lambent.interpreters import Interpreter
from lambent.package.build_context import BuildContext
from lambent.package.compiler import bytecode_path, compile_files, source_of
from lambent.package.function_settings import start_modules
from lambent.package.layout import RUNTIME, Files, SourceFile, is_runtime
from lambent.package.runtime_bundle import is_bundled
from lambent.package.shards.bytecode_archive import BytecodeArchive
from lambent.package.shards.compile_shards import compile_shards
from lambent.package.shards.import_scanner import scan_imports
from lambent.package.shards.startup_modules import startup_modules
from lambent.package.zip_contents import ZipContents
from lambent.units import count


class ZipBytecode(Struct, frozen=True):
    """`names` are the members of `archives` that belong in the zip, `raw` their size in bytes.

    `own` is the bytecode of the user's files and of the runtime.
    """

    archives: tuple[BytecodeArchive, ...] = ()
    names: frozenset[str] = frozenset()
    raw: int = 0
    own: Files = ()

    def sizes(self) -> dict[str, int]:
        """Return the bytes that the bytecode of each source file takes."""
        entries = (entry for archive in self.archives for entry in archive.entries if entry.name in self.names)
        return {source_of(entry.name): entry.raw for entry in entries}

    def close(self) -> None:
        for archive in self.archives:
            archive.close()


def compile_bytecode(context: BuildContext, contents: ZipContents, interpreter: Interpreter | None) -> ZipBytecode:
    """Return the bytecode for a zip: all of the user's files, and of the dependencies as much as fits. None without Python.

    Modules that the start of the app reaches first come first. If packages go to an overflow archive, all of it fits.
    """
    if interpreter is None:
        return ZipBytecode()
    limit = context.options.unzipped_max - 1 - contents.raw
    own = _compile_own(context, contents, interpreter)
    if not contents.shards:
        return ZipBytecode(own=own)
    modules = _start_modules(context, contents)
    archives = tuple(filter(None, compile_shards(contents.shards, modules, interpreter, context.cache)))
    sizes = {entry.name: entry.raw for archive in archives for entry in archive.entries}
    available = [name for module in modules if (name := bytecode_path(module, interpreter.version)) in sizes]
    names = _fitting(available, sizes, limit if limit >= 0 else sys.maxsize)
    omitted = len(available) - len(names)
    if omitted:
        context.emit(Warned(f"not all bytecode fits into the zip: {count(omitted, 'module')} will start slower"))
    return ZipBytecode(archives, frozenset(names), sum(sizes[name] for name in names), own)


def _start_modules(context: BuildContext, contents: ZipContents) -> list[str]:
    """Return the dependencies' modules that a start imports, as paths in the zip, nearest first: all if there is no app."""
    starts = start_modules(context.config)
    if not starts:
        return [entry.name for _, entry in contents.entries() if entry.name.endswith(".py")]
    sources = [(name, file) for name, file in contents.layout.files if name.endswith(".py") and not is_runtime(name)]
    own = {name: scan_imports(name, file.path.read_bytes()) for name, file in sources}
    return [path for path in startup_modules(contents.pairs, own, starts, context.cache) if path not in own]


def _fitting(names: Sequence[str], sizes: dict[str, int], room: int) -> list[str]:
    """Return the names, in their order, whose sizes fit into `room` together."""
    fitting = []
    for name in names:
        if sizes[name] <= room:
            fitting.append(name)
            room -= sizes[name]
    return fitting


def _compile_own(context: BuildContext, contents: ZipContents, interpreter: Interpreter) -> Files:
    files = dict(contents.layout.files)
    sources = {name: file.path for name, file in files.items() if not is_bundled(name, files)}
    codes = compile_files(sources, interpreter, context.cache, RUNTIME)
    return tuple((name, SourceFile.generated(name, code)) for name, code in codes.items())
