"""Parses one module for what it imports, when, and which names it binds. Pure.

`shards/import_scanner.py` finds every module that an import may lead to; this finds out which imports must succeed.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct, field

When = Literal["now", "perhaps", "later"]
"""An import that runs whenever the module is imported, one under a condition or guard, or one in a function."""

SEARCHES = re.compile(
    rb"\bsys\s*\.\s*(?:path\b|modules|meta_path|path_hooks)|from\s+sys\s+import|addsitedir|__path__|extend_path|__import__"
)
"""Code that changes where Python looks for modules. If an app has some, nothing about its imports is certain."""
_CAUGHT = frozenset(("ImportError", "ModuleNotFoundError", "Exception", "BaseException"))
_HARMLESS = frozenset(
    ("catch_warnings", "Lock", "RLock", "open", "app_context")
)  # context managers that don't catch exceptions
DYNAMIC = frozenset(("globals", "exec", "vars", "eval", "setattr", "locals"))  # may bind names that the source doesn't show


class Import(Struct, frozen=True):
    """An import statement. `module` is absolute and dotted; `names` are those after "import" in a "from" import."""

    module: str
    names: tuple[str, ...]
    line: int
    when: When


class Function(Struct):
    """What runs whenever a function of a module is called: its imports, by module and line, and calls of other functions."""

    imports: set[tuple[str, int]] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)


class Source(Struct):
    """A parsed module. `binds` are its names; it is `open` if it may bind more than its source shows.

    `calls` are the functions that it calls whenever it is imported, and `functions` its own ones.
    """

    imports: list[Import] = field(default_factory=list)
    binds: set[str] = field(default_factory=set)
    open: bool = False
    calls: set[str] = field(default_factory=set)
    functions: dict[str, Function] = field(default_factory=dict)

    def may_have(self, name: str) -> bool:
        """Whether the imported module may have a name."""
        return self.open or name in self.binds


def read(path: str, source: bytes, python: tuple[int, int]) -> Source | None:
    """Parse the module at a path in the zip for a Python version; None if this Python can't parse it."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    package = path.rpartition("/")[0].replace("/", ".")
    reader = _Reader(package, python)
    reader.body(tree.body, "now")
    for statement in tree.body:
        reader.source.calls |= _calls(statement)
        if isinstance(statement, ast.FunctionDef) and not statement.decorator_list:
            reader.source.functions[statement.name] = _function(statement, package, python)
    return reader.source


def _function(node: ast.FunctionDef, package: str, python: tuple[int, int]) -> Function:
    """Return what runs whenever a function is called: what comes before a statement that may end it."""
    function, reader = Function(), _Reader(package, python)
    for statement in node.body:
        reader.body([statement], "now")
        function.calls |= _calls(statement)
        parts = list(ast.walk(statement))
        if any(isinstance(part, ast.Yield | ast.YieldFrom) for part in parts):
            return Function()  # its call runs nothing
        if any(isinstance(part, ast.Return | ast.Raise) for part in parts):
            break
    function.imports = {(each.module, each.line) for each in reader.source.imports if each.when == "now"}
    return function


def _calls(statement: ast.stmt) -> set[str]:
    """Return the functions that a statement calls by their plain names whenever it runs."""
    if isinstance(statement, ast.With) and all(map(_harmless, statement.items)):
        return set().union(*map(_calls, statement.body))
    value = getattr(statement, "value", None)
    parts = ast.walk(value) if isinstance(value, ast.expr) and not isinstance(value, ast.Lambda) else ()
    return {part.func.id for part in parts if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)}


class _Reader:
    def __init__(self, package: str, python: tuple[int, int]) -> None:
        self.source = Source()
        self._package, self._python = package, python

    def body(self, statements: Iterable[ast.stmt], when: When) -> None:
        for statement in statements:
            self._statement(statement, when)

    def _statement(self, node: ast.stmt, when: When) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._import(node, when)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self._bind(node.name, when)
            self.source.open |= node.name == "__getattr__" and when != "later"
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
        """Read loops and matches, whose blocks may not run, and statements without blocks."""
        if isinstance(node, ast.Global):
            self.source.binds.update(node.names)
        self._expressions(node, when)
        for block in _blocks(node):
            self.body(block, _not_now(when))

    def _bind(self, name: str, when: When) -> None:
        if when != "later":
            self.source.binds.add(name)

    def _expressions(self, node: ast.AST, when: When) -> None:
        """Read the expressions of a statement for names they bind, and for calls that may bind more."""
        queue = [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt)]
        while queue:
            child = queue.pop()
            if isinstance(child, ast.Name):
                if isinstance(child.ctx, ast.Store):
                    self._bind(child.id, when)
                self.source.open |= child.id in DYNAMIC
            elif isinstance(child, ast.Attribute):
                self.source.open |= _dotted(child) == "sys.modules"
            queue += [grandchild for grandchild in ast.iter_child_nodes(child) if not isinstance(grandchild, ast.stmt)]

    def _class(self, node: ast.ClassDef, when: When) -> None:
        """Read a class, whose body runs immediately but binds names of the class."""
        inner = _Reader(self._package, self._python)
        inner.body(node.body, when)
        self._expressions(node, when)
        self.source.imports += inner.source.imports
        self.source.open |= inner.source.open

    def _if(self, node: ast.If, when: When) -> None:
        self._expressions(node, when)
        value = _evaluate(node.test, self._python)
        if value is not False:
            self.body(node.body, when if value else _not_now(when))
        if value is not True:
            self.body(node.orelse, _not_now(when) if value is None else when)

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
                self.source.imports.append(Import(alias.name, (), node.lineno, when))
            return
        module = self._absolute(node)
        names = tuple(alias.name for alias in node.names)
        for alias in node.names:
            self._bind(alias.asname or alias.name, when)
        self.source.open |= "*" in names
        if module:
            self.source.imports.append(Import(module, names, node.lineno, when))

    def _absolute(self, node: ast.ImportFrom) -> str:
        """Return the absolute name of the module, or "" for a relative import beyond the top level."""
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
    """Return the text of a dotted name ("sys.path"), or "" for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    base = _dotted(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{base}.{node.attr}" if base and isinstance(node, ast.Attribute) else ""


def _last_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _harmless(item: ast.withitem) -> bool:
    call = item.context_expr
    return _last_name(call.func if isinstance(call, ast.Call) else call) in _HARMLESS


def _catches(caught: ast.expr | None) -> bool:
    """Whether a handler may catch a failed import: a name that isn't a built-in exception can be anything."""
    if caught is None:
        return True
    if isinstance(caught, ast.Tuple):
        return any(_catches(each) for each in caught.elts)
    name = _last_name(caught)
    return name in _CAUGHT or not hasattr(builtins, name)


def _evaluate(test: ast.expr, python: tuple[int, int]) -> bool | None:
    """Return the value that a condition has on Lambda, or None if it is unknown."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _evaluate(test.operand, python)
        return None if inner is None else not inner
    if _last_name(test) == "TYPE_CHECKING":
        return False
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _compare(_dotted(test.left), test.ops[0], test.comparators[0], python)
    return None


def _compare(name: str, operator: ast.cmpop, right: ast.expr, python: tuple[int, int]) -> bool | None:
    """Return the value of a comparison with a literal, if `name` is one of the few names whose value on Lambda is known."""
    try:
        value = ast.literal_eval(right)
    except (ValueError, TypeError, SyntaxError):
        return None
    text = {"__name__": "", "sys.platform": "linux", "os.name": "posix"}.get(name)
    if text is not None and isinstance(value, str) and isinstance(operator, ast.Eq | ast.NotEq):
        return (text == value) is isinstance(operator, ast.Eq)
    if (
        name not in ("sys.version_info", "version_info")
        or not isinstance(value, tuple)
        or not all(isinstance(part, int) for part in value[:2])
    ):
        return None
    if len(value) > 2 and value[:2] == python:
        return None  # AWS's patch release is unknown
    if isinstance(operator, ast.GtE | ast.Gt):  # (3, 12, 1) > (3, 12)
        return python >= value[:2]
    if isinstance(operator, ast.Lt | ast.LtE):
        return python < value[:2]
    return None
