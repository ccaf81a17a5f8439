"""What the expressions of a module are to a web server, given the names that the module's statements have bound so far."""

from __future__ import annotations

import ast
from collections.abc import Callable

from msgspec.structs import replace

from lambent.config.detection import frameworks as fw
from lambent.config.detection.framework_lookup import find_key, from_framework, held_app, wraps_app
from lambent.config.detection.scanned import UNKNOWN, Value

_FRAMEWORKS = fw.ASGI | fw.WSGI | fw.EITHER | fw.HANDLERS | fw.HOLDERS.keys() | fw.RUNNERS
Function = ast.FunctionDef | ast.AsyncFunctionDef
LookUp = Callable[[str, str], Value | None]
"""Returns the value of a name in a module (both as text), or None when the module is not part of the project."""


class ExpressionScan:
    """The names of a module, or of the body of a function inside the scan `outer`, and the values of expressions of them.

    Relative imports start from `package`.
    """

    def __init__(self, module: str, package: str, look_up: LookUp, outer: ExpressionScan | None = None) -> None:
        self.names: dict[str, Value] = dict(outer.names) if outer else {}
        self.star_imports: list[str] = outer.star_imports if outer else []
        self._module = module
        self._package = package
        self._look_up = look_up
        self._functions: dict[str, Function] = dict(outer._functions) if outer else {}
        self._depth: int = outer._depth + 1 if outer else 0

    def _value(self, node: ast.expr, name: str = "") -> Value:
        """Return what an expression evaluates to. `name` is the name it will be bound to."""
        if isinstance(node, ast.Name):
            return self._name(node.id)
        if isinstance(node, ast.Call):
            return self._call(node, name)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, name)
        if isinstance(node, ast.IfExp):
            return first_app(self._value(node.body, name), self._value(node.orelse, name))
        if isinstance(node, ast.BoolOp):
            return first_app(*(self._value(part, name) for part in node.values))
        if isinstance(node, ast.NamedExpr):
            return self._value(node.value, name)
        if isinstance(node, ast.Subscript):
            return Value(dotted=self._value(node.value).dotted, opaque=True)
        return UNKNOWN

    def _name(self, name: str) -> Value:
        if name in self.names:
            return self.names[name]
        for source in self.star_imports:
            value = self._look_up(source, name)
            if value is not None:
                return value
            if find_key(f"{source}.{name}", _FRAMEWORKS):
                return Value(dotted=f"{source}.{name}")
        return UNKNOWN

    def _attribute(self, node: ast.Attribute, name: str = "") -> Value:
        base = self._value(node.value)
        if base.opaque and name in fw.HANDLER_NAMES and node.attr in fw.HANDLER_METHODS:
            return Value("handler")
        app = held_app(base, node.attr, called=False)
        if app is not None:
            return app
        if base.dotted:
            return self._look_up(base.dotted, node.attr) or Value(dotted=f"{base.dotted}.{node.attr}")
        return UNKNOWN if base.is_plain_class else dict(base.members).get(node.attr, UNKNOWN)

    def _call(self, node: ast.Call, name: str) -> Value:
        if isinstance(node.func, ast.Attribute):
            base = self._value(node.func.value)
            app = held_app(base, node.func.attr, called=True)
            if app is not None:
                return app
            if node.func.attr in fw.METHODS and (base.opaque or not base.dotted):
                return Value(fw.METHODS[node.func.attr])
        if isinstance(node.func, ast.Name) and (held := self.made_by(node.func.id)):
            return held
        function = self._value(node.func)
        if function.dotted == "functools.partial" and node.args:
            return self._value(node.args[0])
        if function.dotted == "asyncio.run" and (app := self._result(node.args)):
            return app
        argument = self._app_argument(node)
        wrapped = self.apps_inside(node)
        if ":" in function.kind:
            return Value(function.kind.partition(":")[2], wrapped=wrapped)
        value = from_framework(function.dotted)
        if value is not None:
            return replace(value, wrapped=wrapped)
        if function.is_plain_class:
            return Value(members=function.members)
        if argument is not None and wraps_app(node.func, name, node.args):
            return Value(argument.kind, wrapped=wrapped)
        return Value(dotted=function.dotted, opaque=True)

    def _result(self, arguments: list[ast.expr]) -> Value | None:
        """Return the app that a coroutine of the module's own returns, the only argument of a call."""
        match arguments:
            case [ast.Call(func=ast.Name(id=name))] if name in self._functions:
                returned = self._returned(self._functions[name])
                return returned if returned.kind in ("asgi", "wsgi", "web") else None
        return None

    def made_by(self, name: str) -> Value | None:
        """Return the object that a call of an own or imported function returns, if it holds an app. Else None."""
        raise NotImplementedError

    def _returned(self, node: Function) -> Value:
        """Return what a function returns, given the names bound so far."""
        raise NotImplementedError

    def apps_inside(self, node: ast.Call) -> frozenset[tuple[str, str]]:
        """Return the definitions of the apps in the arguments of a call, and of those that they wrap."""
        names = [part for each in (*node.args, *node.keywords) for part in ast.walk(each) if isinstance(part, ast.Name)]
        values = [value for value in map(self._value, names) if value.kind in ("asgi", "wsgi", "web")]
        return frozenset(value.definition for value in values if value.definition).union(*(value.wrapped for value in values))

    def _app_argument(self, node: ast.Call) -> Value | None:
        """Return the app among the arguments of a call, if there is one."""
        keywords = [word.value for word in node.keywords if word.arg in ("app", "application", "other_asgi_app", "wsgi_app")]
        for argument in (*node.args, *keywords):
            if isinstance(argument, ast.Name | ast.Call | ast.Attribute):
                value = self._value(argument)
                if value.kind in ("asgi", "wsgi", "web"):
                    return value
        return None


def first_app(*values: Value) -> Value:
    return next((value for value in values if value.kind or value.unsupported or value.holder), UNKNOWN)
