"""Check parameters against the constraints in botocore's model, with AWS's error messages. Pure.

AWS names members in lower camel case ("vpcConfig.subnetIds") and lists all violations in one ValidationException.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from lambent.limits import MEMORY_MAX_MB, TIMEOUT_MAX_S, TMP_MAX_MB

Params = dict[str, Any]

# AWS's real maxima. Those in its model are for Managed Instances (dg:gettingstarted-limits).
MAXIMA = {"MemorySize": MEMORY_MAX_MB, "Timeout": TIMEOUT_MAX_S, "EphemeralStorageSize": TMP_MAX_MB}
# Checked by hand, because AWS's messages for these don't follow its model.
CHECKED_BY_HAND = frozenset({"Runtime", "LayerList", "LayerVersionArn", "TagKey", "TagValue"})
# The list in AWS's error messages, in AWS's order, as recorded in November 2025.
RUNTIMES_IN_ERRORS = (
    "nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, python3.11, "
    "java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, java11, dotnet6, "
    "nodejs18.x, provided.al2, java8.al2"
)
# The longer list in errors about the filter of ListLayers, recorded in January 2026.
LAYER_RUNTIMES_IN_ERRORS = (
    "ruby3.5, ruby2.6, dotnetcore1.0, python3.7, nodejs8.10, nasa, ruby2.7, python2.7-greengrass, dotnetcore2.0, "
    "python3.8, java21, dotnet6, dotnetcore2.1, python3.9, java11, nodejs6.10, provided, dotnetcore3.1, dotnet8, java25, "
    "java17, nodejs, nodejs4.3, java8.al2, go1.x, dotnet10, nodejs20.x, go1.9, byol, nodejs10.x, provided.al2023, "
    "nodejs22.x, python3.10, java8, nodejs12.x, python3.11, nodejs24.x, nodejs8.x, python3.12, nodejs14.x, nodejs8.9, "
    "nodejs26.x, python3.13, python3.14, nodejs16.x, python3.15, provided.al2, nodejs4.3-edge, nodejs18.x, ruby3.2, "
    "python3.4, ruby3.3, ruby3.4, ruby2.5, python3.6, python2.7"
)


def check_structure(shape: StructureShape, params: Params, path: str) -> Iterator[str]:
    """Yield a message in AWS's words for every violated constraint of a structure and its members."""
    for name in shape.required_members:
        if name not in params:
            yield f"Value null at '{join_path(path, name)}' failed to satisfy constraint: Member must not be null"
    for name, value in params.items():
        yield from check(shape.members[name], value, join_path(path, name))


def check(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Yield a message for every violated constraint of one value."""
    if shape.name in CHECKED_BY_HAND:
        return
    if isinstance(shape, ListShape) and shape.name == "CompatibleRuntimes":
        if not set(value) <= set(shape_enum(shape.member)):
            rule = f"Member must satisfy enum value set: [{RUNTIMES_IN_ERRORS}]"
            yield f"Value '{_shown(value)}' at '{path}' failed to satisfy constraint: {rule}"
        return
    if isinstance(shape, StructureShape):
        yield from check_structure(shape, value, path)
        return
    sensitive = shape.metadata.get("sensitive") or shape.type_name == "blob"
    shown = "Value" if sensitive else f"Value '{_shown(value)}'"
    for rule in broken_rules(shape, value):
        yield f"{shown} at '{path}' failed to satisfy constraint: {rule}"
    if isinstance(shape, ListShape) and not isinstance(shape.member, StructureShape):
        yield from _check_items(shape.member, value, f"{shown} at '{path}'", "Member must satisfy constraint")
    elif isinstance(shape, ListShape):
        for index, item in enumerate(value, 1):
            yield from check(shape.member, item, f"{path}.{index}.member")
    elif isinstance(shape, MapShape):
        yield from _check_items(shape.key, list(value), f"{shown} at '{path}'", "Map keys must satisfy constraint")
        if not isinstance(shape.value, StructureShape):
            yield from _check_items(
                shape.value, list(value.values()), f"{shown} at '{path}'", "Map value must satisfy constraint"
            )


def _check_items(shape: Shape, items: list[Any], lead: str, phrase: str) -> Iterator[str]:
    if shape.name not in CHECKED_BY_HAND and any(next(broken_rules(shape, item), None) for item in items):
        rules = ", ".join(all_rules(shape) + ([] if phrase.startswith("Member") and not shape_enum(shape) else [NOT_NULL]))
        yield f"{lead} failed to satisfy constraint: {phrase}: [{rules}]"


NOT_NULL = "Member must not be null"


def shape_enum(shape: Shape) -> list[str]:
    return list(getattr(shape, "enum", []) or [])


def broken_rules(shape: Shape, value: Any) -> Iterator[str]:
    """Yield the rules of a shape that this value breaks."""
    low, high = _bounds(shape)
    number = shape.type_name in ("integer", "long", "double", "float")
    size = value if number else len(value) if isinstance(value, str | list | dict | bytes) else None
    noun = "value" if number else "length"
    if high is not None and size is not None and size > high:
        yield f"Member must have {noun} less than or equal to {high}"
    if low is not None and size is not None and size < low:
        yield f"Member must have {noun} greater than or equal to {low}"
    pattern = shape.metadata.get("pattern")
    if pattern and isinstance(value, str) and not re.fullmatch(pattern, value):
        yield f"Member must satisfy regular expression pattern: {pattern}"
    if shape_enum(shape) and value not in shape_enum(shape):
        yield _enum_rule(shape)


def all_rules(shape: Shape) -> list[str]:
    """Return every rule of a shape: AWS lists them all when an item of a list or map breaks one."""
    low, high = _bounds(shape)
    noun = "value" if shape.type_name in ("integer", "long", "double", "float") else "length"
    rules = [f"Member must have {noun} less than or equal to {high}"] if high is not None else []
    rules += [f"Member must have {noun} greater than or equal to {low}"] if low is not None else []
    if pattern := shape.metadata.get("pattern"):
        rules.append(f"Member must satisfy regular expression pattern: {pattern}")
    return [*rules, _enum_rule(shape)] if shape_enum(shape) else rules


def _bounds(shape: Shape) -> tuple[Any, Any]:
    return shape.metadata.get("min"), MAXIMA.get(shape.name, shape.metadata.get("max"))


def _enum_rule(shape: Shape) -> str:
    values = shape_enum(shape)
    if shape.name == "InvokeMode":
        values = sorted(values, reverse=True)  # in the recorded order, which follows no rule that we know
    return f"Member must satisfy enum value set: [{', '.join(values)}]"


def _shown(value: Any) -> str:
    """Return a value as Java prints it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(_shown(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_shown(item)}" for key, item in value.items()) + "}"
    return str(value)


def join_path(path: str, name: str) -> str:
    name = name[:1].lower() + name[1:]
    return f"{path}.{name}" if path else name
