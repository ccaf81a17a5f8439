"""A shard: the cached archive of one wheel for one target, whose compressed members are copied into zips unchanged.

Its comment holds a checksum that is compared whenever the shard is opened (libdeflate's CRC-32 reads 8 GB/s), so a damaged
shard is detected and built again. Its last two members are never copied. They hold facts about the wheel: those every build
needs, and the imports, which only a build with changed modules reads.
"""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from lambent.package.archive import Archive, BadArchive, Entry
from lambent.package.cache import archive_comment, mark_used
from lambent.package.lock import Wheel
from lambent.package.shards import import_scanner
from lambent.package.shards.import_scanner import ModuleImports

EntryPoint = tuple[str, str, str]
"""Group, name, "module:object"."""

_INTERNAL = "\0"  # no file name can start with it
FACTS, IMPORTS = f"{_INTERNAL}facts.json", f"{_INTERNAL}imports.json"
_STORED_NAMES = {"dropped_modules": "gone", "conditional_imports": "outside", "build_tools": "tools"}  # part of the format


class Facts(Struct, frozen=True, rename=_STORED_NAMES):
    """What every build needs to know about a shard. Sizes in bytes.

    `dropped` is (rule, files, bytes). `binaries` maps shared objects and programs to `elf.Binary.as_json()`.
    `dropped_modules` are folders and files of modules that were dropped although another package might import them;
    `conditional_imports` are this package's imports of such modules; `build_tools` are the modules of build tools it imports.
    """

    requires: tuple[str, ...]
    entry_points: tuple[EntryPoint, ...]
    dropped: tuple[tuple[str, int, int], ...]
    stripped: int
    binaries: dict[str, dict[str, Any]]
    dropped_modules: tuple[str, ...]
    conditional_imports: tuple[str, ...]
    build_tools: tuple[str, ...]


class Shard:
    """An open shard. `archive` is mapped into memory, not read; close it after copying."""

    def __init__(self, wheel: Wheel, path: Path, cached: bool) -> None:
        """Open the shard. Raises OSError if it is missing, and BadArchive if it is damaged."""
        self.wheel = wheel
        self.path = path
        self.cached = cached
        self.archive = Archive(path)
        try:
            if self.archive.comment != archive_comment(self.archive.checksum()):
                raise BadArchive(str(path))
            self.facts = msgspec.json.decode(self.archive.read(FACTS), type=Facts)
        except (ValueError, KeyError, msgspec.DecodeError) as error:
            self.archive.close()
            raise BadArchive(str(path)) from error
        mark_used(path)

    @property
    def name(self) -> str:
        return self.wheel.name

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The members that belong in a zip."""
        return tuple(entry for entry in self.archive.entries if not entry.name.startswith(_INTERNAL))

    @cached_property
    def imports(self) -> dict[str, ModuleImports]:
        """The imports of each module, by its path."""
        return import_scanner.unpack(json.loads(self.archive.read(IMPORTS))["imports"])

    @cached_property
    def dropped(self) -> dict[str, str]:
        """The paths of the files that were dropped, each with the rule."""
        dropped: dict[str, str] = json.loads(self.archive.read(IMPORTS))["dropped"]
        return dropped

    def close(self) -> None:
        self.archive.close()
