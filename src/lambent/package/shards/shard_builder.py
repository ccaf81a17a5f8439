"""Build the shard of a wheel: its files slimmed, stripped, inspected and compressed.

Most files are already compressed in the wheel. Their compressed bytes are copied after a check. Files that were stripped or
changed are compressed here, and so are all files of a wheel that was built on this machine, whose zlib may be another version.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from lambent import atomic, elf
from lambent.package.archive import DEFLATED, Entry, Writer, compress
from lambent.package.cache import ChecksumWriter, archive_comment
from lambent.package.lock import Wheel
from lambent.package.shards import import_scanner, installer_files, slim
from lambent.package.shards.deflate_queue import DeflateQueue
from lambent.package.shards.import_scanner import ModuleImports, scan_imports
from lambent.package.shards.shard import FACTS, IMPORTS, Facts
from lambent.package.shards.slim import SlimOptions
from lambent.package.shards.strip import strip
from lambent.package.shards.wheel_reader import WheelFile, WheelReader
from lambent.package.target import Target

_ELF = b"\x7fELF"
_SHARED_OBJECT = re.compile(r"\.so(\.\d+)*$")


def build_shard(wheel: Wheel, target: Target, options: SlimOptions, path: Path) -> None:
    """Write the shard of a wheel to `path`, atomically. Raises PackagingError for a bad wheel, OSError for a full disk."""
    with WheelReader(wheel) as reader, atomic.replacing(path, mode=0o600) as file, ThreadPoolExecutor() as pool:
        summed = ChecksumWriter(file)
        writer = Writer(summed)
        builder = _ShardBuilder(reader, target, options, DeflateQueue(writer, pool))
        builder.add_files()
        facts = json.dumps(msgspec.to_builtins(builder.facts()), separators=(",", ":"))
        writer.add(*compress(FACTS, facts.encode()))
        tables = json.dumps(builder.tables(), separators=(",", ":"), sort_keys=True)
        writer.add(*compress(IMPORTS, tables.encode()))
        writer.close(lambda _: archive_comment(summed.checksum))


class _ShardBuilder:
    def __init__(self, reader: WheelReader, target: Target, options: SlimOptions, queue: DeflateQueue) -> None:
        self._reader = reader
        self._python = target.python
        self._version = target.version
        self._options = options
        self._queue = queue
        self._files = {file.path: file for file in reader.files}
        self._verdicts = slim.judge(self._files, reader.wheel.name, reader.dist_info, options)
        self._has_stubs = "stubs" in self._verdicts.dropped.values()
        self._may_name_files = bool(self._verdicts.conditional or slim.dropped_by_suffix(self._verdicts.dropped))
        self._entry_points = installer_files.parse_entry_points(reader.metadata("entry_points.txt"))
        self._record: dict[str, str] = {}
        self._file_names: set[str] = set()  # in strings of the sources
        self._reads_stubs = False
        self._imports: dict[str, ModuleImports] = {}
        self._binaries: dict[str, dict[str, Any]] = {}
        self._dropped: dict[str, str] = {}
        self._stripped = 0

    def add_files(self) -> None:
        verdicts = self._verdicts
        stubs = {path for path, rule in verdicts.dropped.items() if rule == "stubs"}
        later = verdicts.conditional.keys() | stubs | {f"{self._reader.dist_info}/RECORD"}
        for path, file in self._files.items():
            if path not in later and path not in verdicts.dropped:
                self._add(file)
        self._restore()
        self._dropped |= verdicts.dropped | verdicts.conditional
        self._add_installer_files()
        self._queue.finish()

    def facts(self) -> Facts:
        words = {word for imports in self._imports.values() for word in imports.eager | imports.lazy}
        tools = {module for modules in slim.build_tools(self._version).values() for module in modules}
        files = Counter(self._dropped.values())
        sizes: Counter[str] = Counter()
        for path, rule in self._dropped.items():
            sizes[rule] += self._files[path].size
        return Facts(
            requires=installer_files.parse_requires(self._reader.metadata("METADATA")),
            entry_points=self._entry_points,
            dropped=tuple((rule, files[rule], sizes[rule]) for rule in sorted(files)),
            stripped=self._stripped,
            binaries=self._binaries,
            dropped_modules=tuple(slim.dropped_module_roots(self._dropped)),
            conditional_imports=tuple(sorted(filter(slim.is_conditional_module, words))),
            build_tools=tuple(sorted({word.partition(".")[0] for word in words} & tools)),
        )

    def tables(self) -> dict[str, object]:
        return {"imports": import_scanner.pack(self._imports), "dropped": self._dropped}

    def _restore(self) -> None:
        """Add dropped files that modules which stay import or read, until there are no more of them."""
        dropped, conditional = self._verdicts.dropped, self._verdicts.conditional
        restored = slim.named_files(dropped, self._file_names)
        restored += [path for path, rule in dropped.items() if rule == "stubs" and self._reads_stubs]
        for path in sorted(restored):
            del dropped[path]
            self._add(self._files[path])
        points = [value.replace(":", ".") for _, _, value in self._entry_points]
        while conditional:
            needed = slim.imported_files(conditional, self._imports.values(), points)
            needed |= {path for path in conditional if slim.conditional_folder(path) in self._file_names}
            if not needed:
                return
            for path in sorted(needed):
                del conditional[path]
                self._add(self._files[path])

    def _add(self, file: WheelFile) -> None:
        path, keep_all = file.path, self._options.keep_all
        if not self._reader.wheel.built and self._reader.is_large_data(file):
            packed, crc = self._reader.read_deflated(file.member)
            self._record[path] = self._reader.record_entry(file.member) if keep_all else ""
            self._queue.add_compressed(Entry(path, file.executable, crc, file.size, len(packed), DEFLATED), packed)
            return
        original = data = self._reader.read(file.member)
        if path.startswith("bin/") and file.member.rpartition("/")[0].endswith(".data/scripts"):
            if not keep_all and data[:2] == b"#!":  # a launcher; programs of machine code stay
                self._dropped[path] = "scripts"
                return
            data = installer_files.with_shebang(data, self._python)
            self._record[path] = installer_files.record_entry(data)
        else:
            self._record[path] = self._reader.record_entry(file.member) if keep_all else ""
        if path.endswith(".py"):
            self._scan(path, data)
        elif data[:4] == _ELF or _SHARED_OBJECT.search(path):
            data = self._inspect(path, data)
        reuse = not self._reader.wheel.built and data is original
        self._queue.add(path, data, file.executable, self._reader.deflated(file.member) if reuse else b"")

    def _scan(self, path: str, source: bytes | bytearray) -> None:
        self._imports[path] = scan_imports(path, source, self._version)
        if self._may_name_files:
            self._file_names |= slim.file_names_in(source)
        self._reads_stubs = self._reads_stubs or (self._has_stubs and slim.reads_stubs(source))

    def _inspect(self, path: str, data: bytes | bytearray) -> bytes | bytearray:
        """Record what a binary needs to be loaded, and return it without debug symbols."""
        binary = elf.read(memoryview(data))
        if binary is not None:
            self._binaries[path] = binary.as_json()
        if not self._options.strip or self._options.keep_all:
            return data
        stripped = strip(data)
        self._stripped += len(data) - len(stripped)
        return stripped

    def _add_installer_files(self) -> None:
        """Add RECORD, from which importlib.metadata learns which modules belong to a package. With `keep_all`, the rest too."""
        folder = self._reader.dist_info
        files = installer_files.distutils_module(self._files, self._version)
        for path, data in files.items():
            self._scan(path, data)
        if self._options.keep_all:
            files |= {f"{folder}/INSTALLER": b"uv", f"{folder}/REQUESTED": b""}  # as uv does, even for indirect requirements
            files |= installer_files.launchers(self._entry_points, self._python)
        for path, data in files.items():
            self._record[path] = installer_files.record_entry(data)
        self._record[f"{folder}/RECORD"] = ""
        files[f"{folder}/RECORD"] = installer_files.record(self._record)
        for path in sorted(files):
            self._queue.add(path, files[path], path.startswith("bin/"))
