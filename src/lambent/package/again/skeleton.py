"""What of a module counts for anything but its own bytecode: for finding the app, for what a start imports, for the proof.

Two sources with the same skeleton get the same answers of `config/scan.py`, `shards/imports.py` and `proof/reading.py`. It
errs on the safe side: of a function it leaves out what none of them looks at, and all else counts, word for word.
"""

from __future__ import annotations

import _ast

TYPE_CHECKING = False  # see receipt.py
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

_WHOLE = (b"INSTALLED_APPS", b"DJANGO_SETTINGS_MODULE", b"SGI_APPLICATION", b"# ///")
"""Files with these are read by other eyes than a parser's: every byte of them counts."""
_LINES = (b"sys", b"addsitedir", b"__path__", b"extend_path", b"__import__")
"""Lines with these count as they are, comments and all: see `proof/modules.py`, SEARCHES."""


def skeleton(name: str, source: bytes, words: Sequence[str]) -> list[Any] | None:
    """A list to be compared with that of another source of the module; None when it is like nothing else.

    `words` are names that count wherever they are used.
    """
    if name.endswith("__init__.py") or any(mark in source for mark in _WHOLE):
        return None
    tree = parse(source)
    if tree is None:
        return None
    found: list[Any] = [line for line in source.splitlines() if any(mark in line for mark in _LINES)]
    found.extend(_Reading(frozenset(words)).outside(tree))
    return found


def parse(source: bytes) -> _ast.Module | None:
    try:
        tree = compile(source, "", "exec", _ast.PyCF_ONLY_AST, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if isinstance(tree, _ast.Module) else None


def moved(old: bytes, new: bytes, line: int) -> int | None:
    """Where the statement that begins at a line of `old`, outside all others, begins in `new`, which has the same skeleton."""
    before, after = parse(old), parse(new)
    if before is None or after is None:
        return None
    for one, other in zip(before.body, after.body, strict=True):
        if one.lineno == line:
            return other.lineno
    return None


class _Reading:
    def __init__(self, words: frozenset[str]) -> None:
        self._words = words

    def outside(self, node: Any) -> Iterator[Any]:
        """Everything, but for the bodies of functions that nobody reads."""
        if isinstance(node, _ast.FunctionDef | _ast.AsyncFunctionDef) and not _read_by_all(node):
            yield type(node).__name__
            for name in node._fields:
                if name != "body":
                    yield from self.outside(getattr(node, name))
            yield from self._inside(node.body)
        elif isinstance(node, _ast.AST):
            yield type(node).__name__
            for name in node._fields:
                yield from self.outside(getattr(node, name, None))
        elif isinstance(node, list):
            yield len(node)
            for each in node:
                yield from self.outside(each)
        else:
            yield repr(node)

    def _inside(self, body: list[Any]) -> Iterator[Any]:
        """What counts of the body of a function: strings that may name modules, and words that may bind names."""
        waiting: list[Any] = list(body)
        while waiting:
            node = waiting.pop()
            if isinstance(node, _ast.Name) and node.id in self._words:
                yield node.id
            elif isinstance(node, _ast.Global | _ast.Nonlocal):
                yield node.names
            elif isinstance(node, _ast.Constant) and _may_name(node, 3):
                yield node.value
            elif isinstance(node, _ast.JoinedStr):  # its parts have no quotes, and from Python 3.12 on a place of their own
                yield from (part.value for part in node.values if isinstance(part, _ast.Constant) and _may_name(part, 0))
            for name in node._fields:
                child = getattr(node, name, None)
                waiting += [each for each in (child if isinstance(child, list) else [child]) if isinstance(each, _ast.AST)]


def _read_by_all(node: _ast.FunctionDef | _ast.AsyncFunctionDef) -> bool:
    """Whether a function may make the app (it is called without arguments), or imports something itself."""
    arguments = node.args
    required = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults) + arguments.kw_defaults.count(None)
    return (required == 0 and not node.decorator_list and isinstance(node, _ast.FunctionDef)) or _imports(node)


def _imports(node: Any) -> bool:
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, _ast.Import | _ast.ImportFrom):
            return True
        for name in each._fields:
            child = getattr(each, name, None)
            waiting += [part for part in (child if isinstance(child, list) else [child]) if isinstance(part, _ast.AST)]
    return False


def _may_name(node: _ast.Constant, around: int) -> bool:
    """Whether a string, or one of the strings that it is put together from, may be the name of a module.

    `around` is how much longer than its value the text of one string alone is at most: with two pairs of quotes it is more.
    """
    value = node.value
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str) or "." not in value:
        return False
    if all(part.isidentifier() for part in value.strip(".").split(".")):
        return True
    length = (node.end_col_offset or 0) - node.col_offset
    alone = node.lineno == node.end_lineno and length <= len(value.encode("utf-8", "surrogatepass")) + around
    return not alone
