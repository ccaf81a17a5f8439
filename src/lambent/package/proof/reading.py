"""What of one of the user's modules the findings of a proof depend on. Pure."""

from __future__ import annotations

from lambent.package.proof import module_syntax
from lambent.package.proof.module_syntax import SEARCHES
from lambent.package.shards.import_scanner import scan
from lambent.package.target import Target


def depended_on(path: str, source: bytes, target: Target) -> bytes:
    """Two sources of a module for which this is the same get the same findings.

    That is its imports with their lines, the names that it binds, and whether it changes where modules are found; of an
    `__init__`, and of what cannot be parsed, everything.
    """
    major, minor = target.python.split(".")
    read = module_syntax.read(path, source, (int(major), int(minor)))
    if read is None or path.endswith("__init__.py"):
        return source
    coarse = scan(path, source)
    told = [read.imports, sorted(read.binds), read.open, SEARCHES.search(source) is not None]
    return repr([*told, *(sorted(words) for words in (coarse.now, coarse.later, coarse.strings))]).encode()
