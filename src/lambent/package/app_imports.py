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
    return modules & {name for line in import_lines(files, modules) for name in _modules_of(line)}


def import_lines(files: Mapping[str, SourceFile], modules: Iterable[str]) -> frozenset[str]:
    """Return the lines with which the files import these top-level modules, or something from them."""
    names = b"|".join(re.escape(module).encode() for module in sorted(modules))
    pattern = re.compile(rb"^[ \t]*(?:from\s+|import\s+(?:[\w. \t]+,[ \t]*)*?)(?:%b)\b[^\n]*" % names, re.MULTILINE)
    sources = (file.read() for name, file in files.items() if name.endswith(".py"))
    return frozenset(line.strip().decode("utf-8", "replace") for source in sources for line in pattern.findall(source))


def _modules_of(line: str) -> Iterator[str]:
    """Yield the top-level modules that a statement imports: "import os, cgi as c", "from a.b import c"."""
    keyword, _, rest = line.partition("#")[0].partition(" ")
    for part in rest.split(",") if keyword == "import" else [rest]:
        yield from (word.partition(".")[0] for word in part.split()[:1])


def _is_slimmed(name: str) -> bool:
    tools = slim.build_tools().values()
    return slim.is_conditional_module(name) or any(name.partition(".")[0] in modules for modules in tools)
