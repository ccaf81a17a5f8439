"""The value of a variable that pydantic accepts for the type of a field."""

from __future__ import annotations

import ast
import json
import re

from lambent.config.variables.bound import NOTHING, Definition

_VALUES = {
    "PostgresDsn": "postgresql://USER:PASSWORD@HOST/NAME",
    "MySQLDsn": "mysql://USER:PASSWORD@HOST/NAME",
    "MongoDsn": "mongodb://USER:PASSWORD@HOST/NAME",
    "RedisDsn": "redis://HOST:6379/0",
    "AmqpDsn": "amqp://USER:PASSWORD@HOST",
    "KafkaDsn": "kafka://HOST:9092",
    **dict.fromkeys(("AnyUrl", "AnyHttpUrl", "HttpUrl"), "https://HOST"),
    **dict.fromkeys(("EmailStr", "NameEmail"), "you@example.com"),
    **dict.fromkeys(("int", "float", "bool", "PositiveInt", "NonNegativeInt", "PositiveFloat"), "1"),
    "dict": "{}",
    "Dict": "{}",
}
_SEQUENCES = ("list", "List", "set", "Set", "tuple", "Tuple", "Sequence", "Iterable", "frozenset")
_PRODUCTION = re.compile(r"prod", re.I)


def example_value(annotation: ast.expr, definition: Definition) -> str:
    """Return a value for a field of a class: JSON for a list, a word of a Literal or of an own Enum. "" if any text will do."""
    match annotation:
        case ast.BinOp(left=left, right=ast.Constant(value=None)):
            return example_value(left, definition)
        case ast.Subscript(value=outer, slice=inner):
            return _with_parameters(_last_name(outer), inner, definition)
    name = _last_name(annotation)
    return _VALUES.get(name) or ('["VALUE"]' if name in _SEQUENCES else _choose(_members(annotation, definition)))


def _with_parameters(outer: str, inner: ast.expr, definition: Definition) -> str:
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if outer == "Literal":
        return _choose([str(part.value) for part in parts if isinstance(part, ast.Constant)])
    if outer == "Optional":
        return example_value(inner, definition)
    if outer in _SEQUENCES:
        value = example_value(parts[0], definition) or "VALUE"
        return f"[{value}]" if value == "1" else json.dumps([value])
    return _VALUES.get(outer, "")


def _members(annotation: ast.expr, definition: Definition) -> list[str]:
    """Return the values of an Enum of the app's own."""
    own = definition.scope.names.get(annotation.id, NOTHING).definition if isinstance(annotation, ast.Name) else None
    if own is None or not isinstance(own.node, ast.ClassDef) or not any("Enum" in ast.unparse(base) for base in own.node.bases):
        return []
    values = (part.value for part in own.node.body if isinstance(part, ast.Assign))
    return [str(value.value) for value in values if isinstance(value, ast.Constant)]


def _choose(words: list[str]) -> str:
    return next((word for word in words if _PRODUCTION.search(word)), words[0] if words else "")


def _last_name(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]
