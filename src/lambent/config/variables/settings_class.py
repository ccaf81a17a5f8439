"""Classes whose fields are environment variables: pydantic-settings, and BaseSettings of pydantic 1."""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from lambent.config.variables.bound import NOTHING, Bound, Definition
from lambent.config.variables.field_types import example_value
from lambent.config.variables.own_secrets import is_own_secret

_NEW = ("pydantic_settings.BaseSettings", "pydantic_settings.main.BaseSettings")
_OLD = ("pydantic.BaseSettings", "pydantic.v1.BaseSettings", "pydantic.env_settings.BaseSettings")
_CHANGES_SOURCES = re.compile(r"customise_sources|mode=.before.|\bpre=True|def __init__|\bAliasChoices\b|yaml_file|secrets_dir")
_NUMBERS = ("int", "float", "bool", "PositiveInt", "PositiveFloat")  # 1 is a bool too
_ALIASES = ("validation_alias", "alias", "env")
_READ = re.compile(r"(?:os\.)?(?:getenv|environ\.get)\('(\w+)'\)")
_DEPTH_MAX = 5
_NONE = re.compile(r"\bOptional\[|\|\s*None\b|\bNone\s*\|")


class Field(Struct, frozen=True):
    """A field without a default: the variable that it is read from, where it is defined, and a value of its type or "".

    `is_secret_key` says that it is a secret of the app's own by its place, such as `session.secret_key`.
    """

    variable: str
    path: Path
    line: int
    is_number: bool
    example: str = ""
    is_secret_key: bool = False


class SettingsClass(Struct, frozen=True):
    """The required fields of a class. Without `case_sensitive` a variable may be written in lower case too.

    If it `has_other_sources`, the fields may have values that no variable sets. `delimiter` is between the names of nested
    fields in a variable, "" if there are none.
    """

    fields: tuple[Field, ...]
    delimiter: str = ""
    case_sensitive: bool = False
    has_other_sources: bool = False


def read_settings_class(definition: Definition, arguments: Container[str]) -> SettingsClass | None:
    """Return what an object of a class reads from the environment, or None for other classes.

    The fields that the call gets as `arguments` need no variable.
    """
    classes = list(_classes(definition))
    bases = {name.dotted for each in classes for name in _bases(each)}
    if not bases.intersection((*_NEW, *_OLD)):
        return None
    text = "\n".join(ast.unparse(each.node) for each in reversed(classes))
    prefix, delimiter = (_last_option(text, name) for name in ("env_prefix", "env_nested_delimiter"))
    required = _required(classes, prefix, delimiter, none_is_default=not bases.intersection(_NEW))
    fields = tuple(field for name, group in required.items() if name not in arguments for field in group)
    case_sensitive = re.search(r"\bcase_sensitive['\"]?\s*[=:]\s*True", text) is not None
    return SettingsClass(fields, delimiter, case_sensitive, _CHANGES_SOURCES.search(text) is not None)


def _last_option(text: str, name: str) -> str:
    options = re.findall(rf"""\b{name}['"]?\s*[=:]\s*['"]([^'"]*)['"]""", text)
    return options[-1] if options else ""


def _required(
    classes: Sequence[Definition], prefix: str, delimiter: str, *, none_is_default: bool, outer: tuple[str, ...] = ()
) -> dict[str, list[Field]]:
    """Return the variables of each required field. A class of the app's own has one for each of its fields, if that can be.

    `outer` are the names of the fields that the classes are the type of.
    """
    fields: dict[str, list[Field]] = {}
    for each in reversed(classes):  # a subclass overrides
        for statement in each.node.body:
            match statement:
                case ast.AnnAssign(target=ast.Name(id=name)) if name.startswith("_"):
                    continue
                case ast.AnnAssign(target=ast.Name(id=name)):
                    variable = (not outer and _alias(statement.value)) or f"{prefix}{name}".upper()
                    nested = _nested(statement.annotation, each)
                    if _has_default(statement, none_is_default=none_is_default) or len(outer) > _DEPTH_MAX:
                        fields[name] = []
                    elif nested is None:
                        fields[name] = [_field(variable, statement, each)]
                    else:
                        within, start = (*outer, name), variable + delimiter
                        inner = _required(
                            list(_classes(nested)), start, delimiter, none_is_default=none_is_default, outer=within
                        )
                        parts = [field for group in inner.values() for field in group]
                        whole = Field(variable, each.scope.path, statement.lineno, False, "{}")
                        fields[name] = (parts if delimiter else []) if parts or not _is_model(nested) else [whole]
                case ast.Assign(targets=[ast.Name(id=name)]):
                    read = _READ.fullmatch(ast.unparse(statement.value))  # None has no type that pydantic could infer
                    fields[name] = [Field(read[1], each.scope.path, statement.lineno, False)] if read else []
    return _with_own_secrets(fields, outer) if outer else fields


def _field(variable: str, statement: ast.AnnAssign, definition: Definition) -> Field:
    is_number = ast.unparse(statement.annotation) in _NUMBERS
    return Field(variable, definition.scope.path, statement.lineno, is_number, example_value(statement.annotation, definition))


def _with_own_secrets(fields: dict[str, list[Field]], outer: tuple[str, ...]) -> dict[str, list[Field]]:
    """Return the fields of a nested class with those marked that are secrets of the app's own."""
    secrets = {name for name in fields if is_own_secret("_".join((*outer, name)), fields)}
    return {
        name: [replace(field, is_secret_key=True) for field in group] if name in secrets else group
        for name, group in fields.items()
    }


def _is_model(definition: Definition) -> bool:
    return any(
        base.dotted.startswith(("pydantic.", "pydantic_settings.")) for each in _classes(definition) for base in _bases(each)
    )


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
