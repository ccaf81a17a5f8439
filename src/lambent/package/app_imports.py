"""What the user's own files import of that which slimming leaves out unless somebody imports it: tests, examples, build tools.

Called at every build, so files that hold none of these words are only searched, not scanned.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lambent.package.layout import SourceFile
from lambent.package.shards import slim
from lambent.package.shards.import_scanner import scan

_HINT = re.compile(rb"\b(?:tests?|docs?|examples?|conftest|test_\w+|pip|setuptools|pkg_resources|_distutils_hack|wheel)\b")


def own_imports(files: Mapping[str, SourceFile], root: str) -> frozenset[str]:
    """The dotted names, those in strings too. `root` is the folder of the project that modules are imported from; what leads to
    the user's own modules does not count. Raises OSError for a file that cannot be read.
    """
    below = "" if root == "." else f"{root}/"
    tops = {name.removeprefix(below).partition("/")[0].removesuffix(".py") for name in files}
    found: set[str] = set()
    for name, file in files.items():
        if name.endswith(".py") and _HINT.search(source := file.read()):
            imports = scan(name.removeprefix(below), source)
            found |= imports.now | imports.later | imports.strings
    return frozenset(word for word in found if _spared(word) and word.partition(".")[0] not in tops)


def _spared(word: str) -> bool:
    tools = slim.unneeded_modules().values()
    return slim.doubted(word) or any(word.partition(".")[0] in modules for modules in tools)
