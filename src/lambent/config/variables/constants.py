"""The values of expressions that depend on nothing but literals and environment variables: those of conditions above all."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from lambent.config.variables import known_calls
from lambent.config.variables.bound import UNKNOWN, Bound


class _Set:
    """The value of a variable that is set to something."""


SET = _Set()
_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}
_ON_LAMBDA = {
    "sys.platform": "linux",
    "os.name": "posix",
    "typing.TYPE_CHECKING": False,
    "typing_extensions.TYPE_CHECKING": False,
}
_CASTS: dict[str, Callable[[Any], Any]] = {"bool": bool, "int": int, "str": str, "float": float, "len": len}
_METHODS = frozenset(("lower", "upper", "strip", "title", "split", "startswith", "endswith", "casefold"))
_TRUE = frozenset(("1", "true", "t", "yes", "y", "on", "ok"))
"""What the libraries that read variables take for True."""


class Constants(Struct, frozen=True):
    """Evaluates expressions. `resolve` returns what is bound to an expression without a value of its own.

    `read` returns the value of an environment variable: None if it isn't set, SET if its value isn't known.
    """

    resolve: Callable[[ast.expr], Bound]
    read: Callable[[str], Any]

    def evaluate(self, node: ast.expr) -> Any:
        """Return the value of an expression, or UNKNOWN."""
        try:
            return self._evaluate(node)
        except (TypeError, ValueError, AttributeError, ArithmeticError, LookupError):
            return UNKNOWN

    def _evaluate(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                value = self.evaluate(operand)
                return value if value is UNKNOWN else not value
            case ast.BoolOp(op=op, values=values):
                return self._either(isinstance(op, ast.Or), values)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._compare(left, op, right)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                value = self.evaluate(test)
                return value if value is UNKNOWN else self.evaluate(body if value else orelse)
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                items = [self.evaluate(part) for part in parts]
                return UNKNOWN if UNKNOWN in items or SET in items else items
            case ast.Call():
                return self._call(node)
            case ast.Subscript(value=holder, slice=ast.Constant(value=str(name))):
                is_environ = self.resolve(holder).dotted == "os.environ"
                value = self.read(name) if is_environ else None
                return UNKNOWN if value is None else value
            case ast.Name() | ast.Attribute():
                bound = self.resolve(node)
                return _ON_LAMBDA.get(bound.dotted, bound.constant)
        return UNKNOWN

    def _either(self, is_or: bool, nodes: list[ast.expr]) -> Any:
        """Return the value of `and` or `or`: one part may decide it, whatever the others are."""
        values = [self.evaluate(node) for node in nodes]
        if any(value is not UNKNOWN and bool(value) == is_or for value in values):
            return is_or if UNKNOWN in values else next(value for value in values if bool(value) == is_or)
        return UNKNOWN if UNKNOWN in values else values[-1]

    def _compare(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Any:
        value = self.evaluate(left)
        if isinstance(op, ast.In | ast.NotIn) and self.resolve(right).dotted == "os.environ":
            is_set = self.read(value) if isinstance(value, str) else UNKNOWN
            return is_set if is_set is UNKNOWN else (is_set is not None) == isinstance(op, ast.In)
        other = self.evaluate(right)
        if UNKNOWN in (value, other) or (value is SET and other is not None) or other is SET:
            return UNKNOWN
        return _COMPARE[type(op)](value, other)

    def _call(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
            text = self.evaluate(node.func.value)
            arguments = [self.evaluate(argument) for argument in node.args]
            is_known = isinstance(text, str) and UNKNOWN not in arguments and SET not in arguments
            return getattr(text, node.func.attr)(*arguments) if is_known else UNKNOWN
        function = self.resolve(node.func)
        if function.library is not None:
            return self._library(function, node)
        if not node.args:
            return UNKNOWN
        value = self.evaluate(node.args[0])
        if function.dotted in known_calls.GET and isinstance(value, str):
            return self._variable(value, [*node.args[1:], *(word.value for word in node.keywords)])
        if function.dotted in _CASTS and value is not UNKNOWN and value is not SET:
            return _CASTS[function.dotted](value)
        return UNKNOWN

    def _variable(self, name: str, defaults: list[ast.expr]) -> Any:
        value = self.read(name)
        return value if value is not None or not defaults else self.evaluate(defaults[0])

    def _library(self, function: Bound, node: ast.Call) -> Any:
        """Return what decouple's `config("DEBUG", default=False, cast=bool)` and the like return, if it is text or a bool."""
        assert function.library is not None
        keywords = {word.arg: word.value for word in node.keywords}
        casts = [self.resolve(each).dotted for each in (*node.args[1:], *filter(None, [keywords.get("cast")]))]
        method = function.library.method
        name = self.evaluate(node.args[0]) if node.args else UNKNOWN
        if not isinstance(name, str) or method not in ("", "bool", "str", "get_value"):
            return UNKNOWN
        defaults = [keywords["default"]] if "default" in keywords else [each for each in node.args[1:] if not casts[0]]
        value = self._variable(function.library.prefix + name, defaults)
        if method == "bool" or "bool" in casts:
            return value.lower() in _TRUE if isinstance(value, str) else UNKNOWN if value is SET else bool(value)
        return UNKNOWN if any(casts) else value
