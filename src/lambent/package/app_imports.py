"""The app's imports of certain modules: those that slimming drops unless something imports them, or a few by their names.

This runs at every build, so files are searched, and only those with words that slimming knows are scanned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from lambent.package.layout import SourceFile
from lambent.package.shards import slim
from lambent.package.shards.import_scanner import scan_imports

_HINT = re.compile(
    rb"\b(?:tests?|docs?|examples?|conftest|test_\w+|pip|setuptools|distutils|pkg_resources|_distutils_hack|wheel)\b"
)


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
    return frozenset(match[1].decode() for match in _statements(files, modules))


def import_lines(files: Mapping[str, SourceFile], modules: Iterable[str]) -> frozenset[str]:
    """Return the lines with which the files import these top-level modules, or something from them."""
    return frozenset(match[0].strip().decode("utf-8", "replace") for match in _statements(files, modules))


def _statements(files: Mapping[str, SourceFile], modules: Iterable[str]) -> Iterator[re.Match[bytes]]:
    """Yield the imports of these modules, each to the end of its line. The first group is the module."""
    names = b"|".join(re.escape(module).encode() for module in sorted(modules))
    pattern = re.compile(rb"^[ \t]*(?:from|import)\s+(%b)\b[^\n]*" % names, re.MULTILINE)
    for name, file in files.items():
        if name.endswith(".py"):
            yield from pattern.finditer(file.read())


def _is_slimmed(name: str) -> bool:
    tools = slim.build_tools().values()
    return slim.is_conditional_module(name) or any(name.partition(".")[0] in modules for modules in tools)
