"""Reads a module without importing it, and says which of its names are apps.

An abstract run over the top level: assignments, imports, definitions, both arms of `if` and `try`. Values are only what they
mean to a web server ("asgi", "wsgi", "handler"); everything else is unknown. Names imported from other modules of the
project are followed through `lookup`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable

from msgspec import Struct, field
from msgspec.structs import replace

from lambent.config import frameworks as fw


class Value(Struct, frozen=True):
    """What a name stands for. `kind` is an App's kind, "factory:<kind>", "class:<kind>", or "" for unknown.

    `dotted` is the import path of an imported name; `holder` and `unsupported` key into `frameworks`; `opaque` says that it is
    the result of a call nothing is known about; `line` is where it was bound; `inner` are the apps it wraps, as
    (module, name); `origin` is the (module, name) where the app itself was made.
    """

    kind: str = ""
    dotted: str = ""
    holder: tuple[str, str] | None = None
    unsupported: str = ""
    opaque: bool = False
    line: int = 0
    inner: frozenset[tuple[str, str]] = frozenset()
    origin: tuple[str, str] | None = None


UNKNOWN = Value()
Lookup = Callable[[str, str], Value | None]
"""From a module's dotted name and a name in it to its value, when the module belongs to the project."""


class Scan(Struct):
    """One module being read. `package` is what relative imports start from."""

    module: str
    package: str
    lookup: Lookup
    names: dict[str, Value] = field(default_factory=dict)
    starred: list[str] = field(default_factory=list)
    functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = field(default_factory=dict)
    depth: int = 0

    def run(self, body: Iterable[ast.stmt], conditional: bool = False) -> None:
        """Reads statements in their order."""
        for statement in body:
            self._statement(statement, conditional)

    def _statement(self, node: ast.stmt, conditional: bool) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._import(node, conditional)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self.functions[node.name] = node
            self._bind(node.name, replace(self._function(node), line=node.lineno), conditional)
        elif isinstance(node, ast.ClassDef):
            self._bind(node.name, replace(self._class(node), line=node.lineno), conditional)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                self._assign(target, node.value, conditional)
        elif isinstance(node, ast.If):
            if not _never(node.test):
                self.run(node.body, True)
            self.run(node.orelse, True)
        elif isinstance(node, ast.Try):
            for part in (node.body, *(handler.body for handler in node.handlers), node.orelse, node.finalbody):
                self.run(part, True)
        elif isinstance(node, ast.With | ast.AsyncWith):
            self.run(node.body, conditional)
        elif isinstance(node, ast.Expr):
            value = self.value(node.value)
            if value.unsupported:
                self._bind(f"<{value.unsupported}>", replace(value, line=node.lineno), conditional)

    def _bind(self, name: str, value: Value, conditional: bool) -> None:
        known = self.names.get(name)
        if conditional and not value.kind and known is not None and (known.kind or known.dotted):
            return  # `except ImportError: app = None` takes nothing away
        self.names[name] = value

    def _assign(self, target: ast.expr, expression: ast.expr, conditional: bool) -> None:
        if isinstance(target, ast.Tuple) and target.elts:
            target = target.elts[0]  # `app, rt = fast_app()`
        if not isinstance(target, ast.Name):
            return
        value = self.value(expression, target.id)
        made_here = value.kind and not (isinstance(expression, ast.Name | ast.Attribute) and value.origin)
        origin = (self.module, target.id) if made_here else value.origin
        self._bind(target.id, replace(value, line=target.lineno, origin=origin), conditional)

    def _import(self, node: ast.Import | ast.ImportFrom, conditional: bool) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                dotted = alias.name if alias.asname else alias.name.split(".")[0]
                self._bind(alias.asname or dotted, Value(dotted=dotted, line=node.lineno), conditional)
            return
        source = self._absolute(node)
        for alias in node.names:
            if alias.name == "*":
                self.starred.append(source)
                continue
            found = self.lookup(source, alias.name) or Value(dotted=f"{source}.{alias.name}")
            self._bind(alias.asname or alias.name, replace(found, line=node.lineno), conditional)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.package.split(".") if self.package else []
        parts = parts[: len(parts) - node.level + 1]
        return ".".join([*parts, *([node.module] if node.module else [])])

    def value(self, node: ast.expr, name: str = "") -> Value:
        """What an expression gives; `name` is the name it will be bound to."""
        if isinstance(node, ast.Name):
            return self._named(node.id)
        if isinstance(node, ast.Call):
            return self._call(node, name)
        if isinstance(node, ast.Attribute):
            return self._attribute(node)
        if isinstance(node, ast.IfExp):
            return self._either(self.value(node.body, name), self.value(node.orelse, name))
        if isinstance(node, ast.BoolOp):
            return self._either(*(self.value(part, name) for part in node.values))
        if isinstance(node, ast.NamedExpr):
            return self.value(node.value, name)
        return UNKNOWN

    @staticmethod
    def _either(*values: Value) -> Value:
        return next((value for value in values if value.kind), UNKNOWN)

    def _named(self, name: str) -> Value:
        if name in self.names:
            return self.names[name]
        for source in self.starred:
            found = self.lookup(source, name)
            if found is not None:
                return found
            if _key(f"{source}.{name}", fw.ASGI | fw.WSGI | fw.EITHER | fw.HANDLERS | fw.INDIRECT.keys()):
                return Value(dotted=f"{source}.{name}")
        return UNKNOWN

    def _attribute(self, node: ast.Attribute) -> Value:
        base = self.value(node.value)
        if base.holder and fw.INDIRECT[base.holder][0] == node.attr and not fw.INDIRECT[base.holder][2]:
            return Value(fw.INDIRECT[base.holder][1])
        if base.dotted:
            return self.lookup(base.dotted, node.attr) or Value(dotted=f"{base.dotted}.{node.attr}")
        return UNKNOWN

    def _call(self, node: ast.Call, name: str) -> Value:
        if isinstance(node.func, ast.Attribute):
            base = self.value(node.func.value)
            if base.holder and fw.INDIRECT[base.holder][0] == node.func.attr and fw.INDIRECT[base.holder][2]:
                return Value(fw.INDIRECT[base.holder][1])
            if node.func.attr in fw.METHODS and not base.dotted:
                return Value(fw.METHODS[node.func.attr])
        called = self.value(node.func)
        wrapped = self._wrapped(node)
        inner = frozenset({wrapped.origin} if wrapped and wrapped.origin else ()) | (wrapped.inner if wrapped else frozenset())
        if ":" in called.kind:
            return Value(called.kind.partition(":")[2], inner=inner)
        made = _made(called.dotted)
        if made is not None:
            return replace(made, inner=inner)
        if wrapped is not None and _wraps(node.func, name, node.args):
            return Value(wrapped.kind, inner=inner)
        return Value(dotted=called.dotted, opaque=True)

    def _wrapped(self, node: ast.Call) -> Value | None:
        """The app among the arguments of a call, if there is one."""
        named = [word.value for word in node.keywords if word.arg in ("app", "application", "other_asgi_app", "wsgi_app")]
        for argument in (*node.args, *named):
            if isinstance(argument, ast.Name | ast.Call | ast.Attribute):
                value = self.value(argument)
                if value.kind in ("asgi", "wsgi", "web"):
                    return value
        return None

    def takes_event(self, name: str) -> bool:
        """Whether a name is a plain function of two parameters: then it is a handler, whatever it is called."""
        node = self.functions.get(name)
        return isinstance(node, ast.FunctionDef) and _required(node.args) <= 2 <= len(_parameters(node.args))

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Value:
        names = _parameters(node.args)
        here = (self.module, node.name)
        if isinstance(node, ast.AsyncFunctionDef):
            return Value("asgi", origin=here) if names == ["scope", "receive", "send"] else UNKNOWN
        if names[:2] == ["environ", "start_response"] or names[:2] == ["env", "start_response"]:
            return Value("wsgi", origin=here)
        if node.name in fw.HANDLER_NAMES and (len(names) == 2 or node.args.vararg):
            return Value("handler", origin=here)
        if _required(node.args) == 0 and not node.decorator_list:
            returned = self._returned(node)
            if returned.kind in ("asgi", "wsgi", "web"):
                return Value(f"factory:{returned.kind}", origin=here)
            if node.name in fw.FACTORY_NAMES:
                return Value("factory:web", origin=here)
        return UNKNOWN

    def _returned(self, node: ast.FunctionDef) -> Value:
        """What a function returns, read with the names known so far."""
        if self.depth > 3:
            return UNKNOWN
        inner = Scan(self.module, self.package, self.lookup, dict(self.names), self.starred, self.functions, self.depth + 1)
        inner.run(node.body)
        returns = [part.value for part in ast.walk(node) if isinstance(part, ast.Return) and part.value is not None]
        return self._either(*(inner.value(value, "app") for value in returns))

    def _class(self, node: ast.ClassDef) -> Value:
        for base in node.bases:
            made = _made(self.value(base).dotted) or self.value(base)
            if made.kind:
                return Value(f"class:{made.kind.removeprefix('class:')}")
        for part in node.body:
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and part.name == "__call__":
                names = _parameters(part.args)[1:]
                if isinstance(part, ast.AsyncFunctionDef) and len(names) == 3:
                    return Value("class:asgi")
                if names == ["environ", "start_response"] or names == ["env", "start_response"]:
                    return Value("class:wsgi")
        return UNKNOWN


def _made(dotted: str) -> Value | None:
    """What calling this import path gives, or None when it is not in the tables."""
    if not dotted:
        return None
    for kind, table in (("handler", fw.HANDLERS), ("asgi", fw.ASGI), ("wsgi", fw.WSGI), ("web", fw.EITHER)):
        if _key(dotted, table):
            return Value(kind)
    holder = _key(dotted, fw.INDIRECT)
    if holder:
        return Value(holder=holder)
    unsupported = _key(dotted, fw.UNSUPPORTED)
    return Value(unsupported=fw.UNSUPPORTED[unsupported]) if unsupported else None


def _key(dotted: str, table: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
    """The row of a table that an import path belongs to, the longest first: falcon.asgi.App before falcon.App."""
    top, _, rest = dotted.partition(".")
    keys = {key for key in table if key[0] == top}
    for tail in (rest, ".".join(rest.split(".")[-2:]), rest.split(".")[-1]):
        if (top, tail) in keys:
            return top, tail
    return None


def _wraps(function: ast.expr, name: str, arguments: list[ast.expr]) -> bool:
    """Whether calling this on an app is meant to give an app: by its name, or because the result takes the app's name."""
    called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if called.endswith(fw.WRAPPERS) or called.startswith("Sentry"):
        return True
    same = any(isinstance(argument, ast.Name) and argument.id == name for argument in arguments)
    return same or name in ("app", "application", "asgi_app", "wsgi_app")


def _parameters(arguments: ast.arguments) -> list[str]:
    return [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]


def _required(arguments: ast.arguments) -> int:
    positional = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return positional + sum(default is None for default in arguments.kw_defaults)


def _never(test: ast.expr) -> bool:
    """Whether an `if` is not taken when the module is imported: `__name__ == "__main__"`, `TYPE_CHECKING`."""
    text = ast.unparse(test)
    return ("__name__" in text and "__main__" in text) or text.endswith("TYPE_CHECKING")
