"""The app's imports of modules that slimming drops unless something imports them: tests, examples, build tools.

This runs at every build, so files that contain none of these words are searched and not scanned.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lambent.package.layout import SourceFile
from lambent.package.shards import slim
from lambent.package.shards.import_scanner import scan_imports

_HINT = re.compile(rb"\b(?:tests?|docs?|examples?|conftest|test_\w+|pip|setuptools|pkg_resources|_distutils_hack|wheel)\b")


def imports_of_slimmed_modules(files: Mapping[str, SourceFile], root: str) -> frozenset[str]:
    """Return the dotted names of these modules that the user's files import, or hold in strings.

    `root` is the project folder that modules are imported from. Names that lead to the user's own modules don't count.
    Raises OSError for a file that can't be read.
    """
    prefix = "" if root == "." else f"{root}/"
    own = {name.removeprefix(prefix).partition("/")[0].removesuffix(".py") for name in files}
    names: set[str] = set()
    for name, file in files.items():
        if name.endswith(".py") and _HINT.search(source := file.read()):
            imports = scan_imports(name.removeprefix(prefix), source)
            names |= imports.eager | imports.lazy | imports.strings
    return frozenset(name for name in names if _is_slimmed(name) and name.partition(".")[0] not in own)


def imported_modules(files: Mapping[str, SourceFile], modules: frozenset[str]) -> frozenset[str]:
    """Return which of these top-level modules the files import."""
    names = b"|".join(re.escape(module).encode() for module in sorted(modules))
    pattern = re.compile(rb"^[ \t]*(?:from|import)\s+(%b)\b" % names, re.MULTILINE)
    imported = (
        match[1].decode() for name, file in files.items() if name.endswith(".py") for match in pattern.finditer(file.read())
    )
    return frozenset(imported)


def _is_slimmed(name: str) -> bool:
    tools = slim.build_tools().values()
    return slim.is_conditional_module(name) or any(name.partition(".")[0] in modules for modules in tools)
