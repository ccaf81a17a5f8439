"""What a zip has to import: its files by the names of their modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from functools import cached_property

from msgspec import Struct, field

from lambent.package.shards.import_scanner import ModuleImports


class Code(Struct, frozen=True, dict=True):
    """Everything there is to import. `names` are all paths in the zip, and `own` those of the user's modules.

    `source` returns a file's bytes by its path in the zip, and `graph` has the coarse imports of packages' files by path. With
    `has_layers` there is more to import than the zip holds. `search_folders` are on the import path after the top.
    """

    names: Set[str]
    own: Set[str]
    source: Callable[[str], bytes]
    graph: Mapping[str, ModuleImports] = field(default_factory=dict)
    has_layers: bool = False
    search_folders: tuple[str, ...] = ()

    @cached_property
    def files(self) -> dict[str, str]:
        """The file of each module path without suffix ("a/b", "a/b/__init__"); a source is preferred to compiled forms."""
        files: dict[str, str] = {}
        for name in self.names:
            if name.endswith((".py", ".so", ".pyc")) and "__pycache__" not in name:
                folder, slash, file = name.rpartition("/")
                module, _, suffix = file.partition(".")
                if "." in suffix and not suffix.endswith(".so"):
                    continue  # nothing can import a.test.py, but native.cpython-313-x86_64-linux-gnu.so is native
                stem = f"{folder}{slash}{module}"
                if stem not in files or name.endswith(".py"):
                    files[stem] = name
        return files

    @cached_property
    def folders(self) -> frozenset[str]:
        folders: set[str] = set()
        for name in self.names:
            folder = name.rpartition("/")[0]
            while folder and folder not in folders:
                folders.add(folder)
                folder = folder.rpartition("/")[0]
        return frozenset(folders)
