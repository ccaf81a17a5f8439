"""Reads one module's source for what it imports when, and which names it holds. Pure.

Finer than `shards/imports.py`, which finds every module that may be meant; this one tells which import must succeed.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct, field

When = Literal["now", "perhaps", "later"]
"""An import that runs whenever the module is imported; one under a condition or a guard; one in a function."""

SEARCHES = re.compile(
    rb"\bsys\s*\.\s*(?:path\b|modules|meta_path|path_hooks)|from\s+sys\s+import|addsitedir|__path__|extend_path|__import__"
)
"""What changes where modules are found. Where the app does so, nothing about its imports is certain."""
_CAUGHT = frozenset(("ImportError", "ModuleNotFoundError", "Exception", "BaseException"))
_HARMLESS = frozenset(("catch_warnings", "Lock", "RLock", "open"))  # with-blocks that let exceptions through
DYNAMIC = frozenset(("globals", "exec", "vars", "eval", "setattr", "locals"))  # may bind names that nobody can see


class Import(Struct, frozen=True):
    """`module` is absolute and dotted; `names` what is taken from it ("import x" takes nothing)."""

    module: str
    names: tuple[str, ...]
    line: int
    when: When


class Source(Struct):
    """`binds` are its names; `open` when it may have others that cannot be seen here."""

    imports: list[Import] = field(default_factory=list)
    binds: set[str] = field(default_factory=set)
    open: bool = False

    def may_have(self, name: str) -> bool:
        """Whether a name of this module may be there when it has been imported."""
        return self.open or name in self.binds


def read(path: str, source: bytes, python: tuple[int, int]) -> Source | None:
    """The module at this path in the zip, for this version; None for one that this Python cannot parse."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    package = path.rpartition("/")[0].replace("/", ".")
    reader = _Reader(package, python)
    reader.body(tree.body, "now")
    return reader.found


class _Reader:
    def __init__(self, package: str, python: tuple[int, int]) -> None:
        self.found = Source()
        self._package, self._python = package, python

    def body(self, statements: Iterable[ast.stmt], when: When) -> None:
        for statement in statements:
            self._statement(statement, when)

    def _statement(self, node: ast.stmt, when: When) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._import(node, when)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self._bind(node.name, when)
            self.found.open |= node.name == "__getattr__" and when != "later"
            self._expressions(node, when)
            self.body(node.body, "later")
        elif isinstance(node, ast.ClassDef):
            self._bind(node.name, when)
            self._class(node, when)
        elif isinstance(node, ast.If):
            self._if(node, when)
        elif isinstance(node, ast.Try) or type(node).__name__ == "TryStar":
            self._try(node, when)  # type: ignore[arg-type]
        elif isinstance(node, ast.With | ast.AsyncWith):
            self._expressions(node, when)
            self.body(node.body, when if all(map(_harmless, node.items)) else _not_now(when))
        else:
            self._other(node, when)

    def _other(self, node: ast.stmt, when: When) -> None:
        """Loops and matches, whose blocks run perhaps, and statements without blocks."""
        if isinstance(node, ast.Global):
            self.found.binds.update(node.names)
        self._expressions(node, when)
        for block in _blocks(node):
            self.body(block, _not_now(when))

    def _bind(self, name: str, when: When) -> None:
        if when != "later":
            self.found.binds.add(name)

    def _expressions(self, node: ast.AST, when: When) -> None:
        """Names that a statement's own expressions bind, and words in it that may bind others."""
        waiting = [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt)]
        while waiting:
            each = waiting.pop()
            if isinstance(each, ast.Name):
                if isinstance(each.ctx, ast.Store):
                    self._bind(each.id, when)
                self.found.open |= each.id in DYNAMIC
            elif isinstance(each, ast.Attribute):
                self.found.open |= _dotted(each) == "sys.modules"
            waiting += [child for child in ast.iter_child_nodes(each) if not isinstance(child, ast.stmt)]

    def _class(self, node: ast.ClassDef, when: When) -> None:
        """Its body runs at once, but its names are the class's."""
        inner = _Reader(self._package, self._python)
        inner.body(node.body, when)
        self._expressions(node, when)
        self.found.imports += inner.found.imports
        self.found.open |= inner.found.open

    def _if(self, node: ast.If, when: When) -> None:
        self._expressions(node, when)
        held = _holds(node.test, self._python)
        if held is not False:
            self.body(node.body, when if held else _not_now(when))
        if held is not True:
            self.body(node.orelse, _not_now(when) if held is None else when)

    def _try(self, node: ast.Try, when: When) -> None:
        guarded = any(_catches(handler.type) for handler in node.handlers)
        inner = _not_now(when) if guarded else when
        self.body(node.body, inner)
        self.body(node.orelse, inner)
        for handler in node.handlers:
            self.body(handler.body, _not_now(when))
        self.body(node.finalbody, when)

    def _import(self, node: ast.Import | ast.ImportFrom, when: When) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._bind(alias.asname or alias.name.split(".")[0], when)
                self.found.imports.append(Import(alias.name, (), node.lineno, when))
            return
        module = self._absolute(node)
        names = tuple(alias.name for alias in node.names)
        for alias in node.names:
            self._bind(alias.asname or alias.name, when)
        self.found.open |= "*" in names
        if module:
            self.found.imports.append(Import(module, names, node.lineno, when))

    def _absolute(self, node: ast.ImportFrom) -> str:
        """ "" for what leads out of the top."""
        if not node.level:
            return node.module or ""
        parts = self._package.split(".") if self._package else []
        if node.level - 1 >= len(parts):
            return ""
        base = parts[: len(parts) - node.level + 1]
        return ".".join([*base, *([node.module] if node.module else [])])


def _not_now(when: When) -> When:
    return "perhaps" if when == "now" else when


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse"):
        if isinstance(block := getattr(node, name, None), list):
            yield block
    for case in getattr(node, "cases", ()):
        yield case.body


def _dotted(node: ast.expr) -> str:
    """ "sys.path" for that expression; "" for what is no dotted name."""
    if isinstance(node, ast.Name):
        return node.id
    base = _dotted(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{base}.{node.attr}" if base and isinstance(node, ast.Attribute) else ""


def _named(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _harmless(item: ast.withitem) -> bool:
    call = item.context_expr
    return _named(call.func if isinstance(call, ast.Call) else call) in _HARMLESS


def _catches(caught: ast.expr | None) -> bool:
    """Whether a handler catches a failed import: a name that is no built-in exception may stand for anything."""
    if caught is None:
        return True
    if isinstance(caught, ast.Tuple):
        return any(_catches(each) for each in caught.elts)
    name = _named(caught)
    return name in _CAUGHT or not hasattr(builtins, name)


def _holds(test: ast.expr, python: tuple[int, int]) -> bool | None:
    """Whether a condition holds on Lambda, where that can be told."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _holds(test.operand, python)
        return None if inner is None else not inner
    if _named(test) == "TYPE_CHECKING":
        return False
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _compared(_dotted(test.left), test.ops[0], test.comparators[0], python)
    return None


def _compared(left: str, operator: ast.cmpop, right: ast.expr, python: tuple[int, int]) -> bool | None:
    try:
        value = ast.literal_eval(right)
    except (ValueError, TypeError, SyntaxError):
        return None
    known = {"__name__": "", "sys.platform": "linux", "os.name": "posix"}.get(left)
    if known is not None and isinstance(value, str) and isinstance(operator, ast.Eq | ast.NotEq):
        return (known == value) is isinstance(operator, ast.Eq)
    if (
        left not in ("sys.version_info", "version_info")
        or not isinstance(value, tuple)
        or not all(isinstance(part, int) for part in value[:2])
    ):
        return None
    if len(value) > 2 and value[:2] == python:
        return None  # AWS's patch release is not known
    if isinstance(operator, ast.GtE | ast.Gt):  # (3, 12, 1) > (3, 12)
        return python >= value[:2]
    if isinstance(operator, ast.Lt | ast.LtE):
        return python < value[:2]
    return None
