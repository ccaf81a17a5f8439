"""Classes whose fields are environment variables: pydantic-settings, and BaseSettings of pydantic 1."""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterator
from pathlib import Path

from msgspec import Struct

from lambent.config.variables.bound import NOTHING, Bound, Definition

_NEW = ("pydantic_settings.BaseSettings", "pydantic_settings.main.BaseSettings")
_OLD = ("pydantic.BaseSettings", "pydantic.v1.BaseSettings", "pydantic.env_settings.BaseSettings")
_CHANGES_SOURCES = re.compile(r"customise_sources|mode=.before.|\bpre=True|def __init__|\bAliasChoices\b|yaml_file|secrets_dir")
_NUMBERS = ("int", "float", "bool", "PositiveInt", "PositiveFloat")  # 1 is a bool too
_ALIASES = ("validation_alias", "alias", "env")
_NONE = re.compile(r"\bOptional\[|\|\s*None\b|\bNone\s*\|")


class Field(Struct, frozen=True):
    """A field without a default: the variable that it is read from, and where it is defined."""

    variable: str
    path: Path
    line: int
    is_number: bool


class SettingsClass(Struct, frozen=True):
    """The required fields of a class. Without `case_sensitive` a variable may be written in lower case too."""

    fields: tuple[Field, ...]
    case_sensitive: bool = False


def read_settings_class(definition: Definition, arguments: Container[str]) -> SettingsClass | None:
    """Return what an object of a class reads from the environment. None for other classes, and for unusual sources.

    The fields that the call gets as `arguments` need no variable.
    """
    classes = list(_classes(definition))
    bases = {name.dotted for each in classes for name in _bases(each)}
    if not bases.intersection((*_NEW, *_OLD)) or any(_CHANGES_SOURCES.search(ast.unparse(each.node)) for each in classes):
        return None
    text = "\n".join(ast.unparse(each.node) for each in reversed(classes))
    prefixes = re.findall(r"""\benv_prefix['"]?\s*[=:]\s*['"](\w*)['"]""", text)
    fields: dict[str, Field | None] = {}
    for each in reversed(classes):  # a subclass overrides
        for statement in each.node.body:
            match statement:
                case ast.AnnAssign(target=ast.Name(id=name)):
                    is_required = not _has_default(statement, none_is_default=not bases.intersection(_NEW))
                    variable = _alias(statement.value) or f"{prefixes[-1] if prefixes else ''}{name}".upper()
                    is_field = is_required and not name.startswith("_") and not _is_nested(statement.annotation, each)
                    is_number = ast.unparse(statement.annotation) in _NUMBERS
                    fields[name] = Field(variable, each.scope.path, statement.lineno, is_number) if is_field else None
                case ast.Assign(targets=[ast.Name(id=name)]):
                    fields[name] = None
    required = (field for name, field in fields.items() if field is not None and name not in arguments)
    return SettingsClass(tuple(required), re.search(r"\bcase_sensitive['\"]?\s*[=:]\s*True", text) is not None)


def _classes(definition: Definition) -> Iterator[Definition]:
    """Yield a class and the own classes that it inherits from."""
    yield definition
    for base in _bases(definition):
        if base.definition is not None and base.definition.node is not definition.node:
            yield from _classes(base.definition)


def _bases(definition: Definition) -> Iterator[Bound]:
    node, names = definition.node, definition.scope.names
    for base in node.bases if isinstance(node, ast.ClassDef) else ():
        if isinstance(base, ast.Name):
            yield names.get(base.id, NOTHING)
        elif isinstance(base, ast.Attribute) and isinstance(base.value, ast.Name):
            yield Bound(dotted=f"{names.get(base.value.id, NOTHING).dotted}.{base.attr}")


def _has_default(statement: ast.AnnAssign, *, none_is_default: bool) -> bool:
    annotation = ast.unparse(statement.annotation)
    if "ClassVar" in annotation or "alias" in annotation:
        return True
    value = statement.value
    if value is None:
        return none_is_default and _NONE.search(annotation) is not None
    if isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] == "Field":
        has_keyword = any(word.arg in ("default", "default_factory", None) for word in value.keywords)
        return has_keyword or (bool(value.args) and not _is_ellipsis(value.args[0]))
    return not _is_ellipsis(value)


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _alias(value: ast.expr | None) -> str:
    words = value.keywords if isinstance(value, ast.Call) else []
    aliases = {word.arg: word.value.value for word in words if isinstance(word.value, ast.Constant)}
    return next((str(aliases[name]) for name in _ALIASES if name in aliases), "")


def _is_nested(annotation: ast.expr, definition: Definition) -> bool:
    """Return whether the type of a field is a class of the app's own: its value has several parts."""
    own = definition.scope.names.get(annotation.id, NOTHING).definition if isinstance(annotation, ast.Name) else None
    return own is not None and not any("Enum" in base.dotted for base in _bases(own))
