"""Classes whose fields are environment variables: pydantic-settings, and BaseSettings of pydantic 1."""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from lambent.config.variables.bound import NOTHING, Bound, Definition
from lambent.config.variables.field_types import example_value

_NEW = ("pydantic_settings.BaseSettings", "pydantic_settings.main.BaseSettings")
_OLD = ("pydantic.BaseSettings", "pydantic.v1.BaseSettings", "pydantic.env_settings.BaseSettings")
_CHANGES_SOURCES = re.compile(r"customise_sources|mode=.before.|\bpre=True|def __init__|\bAliasChoices\b|yaml_file|secrets_dir")
_NUMBERS = ("int", "float", "bool", "PositiveInt", "PositiveFloat")  # 1 is a bool too
_ALIASES = ("validation_alias", "alias", "env")
_READ = re.compile(r"(?:os\.)?(?:getenv|environ\.get)\('(\w+)'\)")
_DEPTH_MAX = 5
_NONE = re.compile(r"\bOptional\[|\|\s*None\b|\bNone\s*\|")


class Field(Struct, frozen=True):
    """A field without a default: the variable that it is read from, where it is defined, and a value of its type or ""."""

    variable: str
    path: Path
    line: int
    is_number: bool
    example: str = ""


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
    prefix, delimiter = (_last_option(text, name) for name in ("env_prefix", "env_nested_delimiter"))
    required = _required(classes, prefix, delimiter, none_is_default=not bases.intersection(_NEW))
    fields = tuple(field for name, group in required.items() if name not in arguments for field in group)
    return SettingsClass(fields, re.search(r"\bcase_sensitive['\"]?\s*[=:]\s*True", text) is not None)


def _last_option(text: str, name: str) -> str:
    options = re.findall(rf"""\b{name}['"]?\s*[=:]\s*['"]([^'"]*)['"]""", text)
    return options[-1] if options else ""


def _required(
    classes: Sequence[Definition], prefix: str, delimiter: str, *, none_is_default: bool, depth: int = 0
) -> dict[str, list[Field]]:
    """Return the variables of each required field. A class of the app's own has one for each of its fields, if that can be."""
    fields: dict[str, list[Field]] = {}
    for each in reversed(classes):  # a subclass overrides
        for statement in each.node.body:
            match statement:
                case ast.AnnAssign(target=ast.Name(id=name)) if name.startswith("_"):
                    continue
                case ast.AnnAssign(target=ast.Name(id=name)):
                    variable = (not depth and _alias(statement.value)) or f"{prefix}{name}".upper()
                    nested = _nested(statement.annotation, each)
                    if _has_default(statement, none_is_default=none_is_default):
                        fields[name] = []
                    elif nested is None:
                        is_number = ast.unparse(statement.annotation) in _NUMBERS
                        example = example_value(statement.annotation, each)
                        fields[name] = [Field(variable, each.scope.path, statement.lineno, is_number, example)]
                    elif delimiter and depth < _DEPTH_MAX:
                        inner = _required(
                            list(_classes(nested)),
                            variable + delimiter,
                            delimiter,
                            none_is_default=none_is_default,
                            depth=depth + 1,
                        )
                        fields[name] = [field for group in inner.values() for field in group]
                    else:
                        fields[name] = []
                case ast.Assign(targets=[ast.Name(id=name)]):
                    read = _READ.fullmatch(ast.unparse(statement.value))  # None has no type that pydantic could infer
                    fields[name] = [Field(read[1], each.scope.path, statement.lineno, False)] if read else []
    return fields


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


def _nested(annotation: ast.expr, definition: Definition) -> Definition | None:
    """Return the class of the app's own that is the type of a field: its value has several parts."""
    own = definition.scope.names.get(annotation.id, NOTHING).definition if isinstance(annotation, ast.Name) else None
    return own if own is not None and not any("Enum" in base.dotted for base in _bases(own)) else None
