"""From an HTTP request to an operation's parameters, checked against botocore's shapes with AWS's words.

Pure. AWS names members in lower camel case ("vpcConfig.subnetIds") and lists every violation in one ValidationException.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from lambent.limits import MEMORY_MAX_MB, TIMEOUT_MAX_S, TMP_MAX_MB
from lambent.local.control.faults import Fault, violations
from lambent.local.control.interface import Request
from lambent.local.control.service_model import wire_name

Params = dict[str, Any]

# What AWS enforces below its own model's maxima, which are those of Managed Instances (dg:gettingstarted-limits).
MAXIMA = {"MemorySize": MEMORY_MAX_MB, "Timeout": TIMEOUT_MAX_S, "EphemeralStorageSize": TMP_MAX_MB}
# Checked by hand, because AWS answers with texts of its own.
FREE = frozenset({"Runtime", "LayerList", "LayerVersionArn", "TagKey", "TagValue"})
# The text as recorded in November 2025, in AWS's own order. It is only ever shown.
SHOWN_RUNTIMES = (
    "nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, python3.11, "
    "java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, java11, dotnet6, "
    "nodejs18.x, provided.al2, java8.al2"
)
# The same for the filter of ListLayers, which knows more of them. Recorded in January 2026.
LISTED_RUNTIMES = (
    "ruby3.5, ruby2.6, dotnetcore1.0, python3.7, nodejs8.10, nasa, ruby2.7, python2.7-greengrass, dotnetcore2.0, "
    "python3.8, java21, dotnet6, dotnetcore2.1, python3.9, java11, nodejs6.10, provided, dotnetcore3.1, dotnet8, java25, "
    "java17, nodejs, nodejs4.3, java8.al2, go1.x, dotnet10, nodejs20.x, go1.9, byol, nodejs10.x, provided.al2023, "
    "nodejs22.x, python3.10, java8, nodejs12.x, python3.11, nodejs24.x, nodejs8.x, python3.12, nodejs14.x, nodejs8.9, "
    "nodejs26.x, python3.13, python3.14, nodejs16.x, python3.15, provided.al2, nodejs4.3-edge, nodejs18.x, ruby3.2, "
    "python3.4, ruby3.3, ruby3.4, ruby2.5, python3.6, python2.7"
)
JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "double": (int, float),
    "float": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "map": (dict,),
    "structure": (dict,),
    "blob": (str,),
}


def read(operation: OperationModel, labels: Mapping[str, str], request: Request) -> Params:
    """The parameters of a request. Raises Fault: SerializationException for wrong types, else ValidationException."""
    shape = operation.input_shape
    if shape is None:
        return {}
    params: Params = {}
    query = parse_qs(request.query, keep_blank_values=True)
    for name, member in shape.members.items():
        value = _outside(member, wire_name(name, member), labels, query, request.headers)
        if value is not None:
            params[name] = value
    payload = shape.serialization.get("payload")
    if payload and shape.members[payload].type_name == "blob":
        params[payload] = request.body
    elif any("location" not in member.serialization for member in shape.members.values()):
        params.update(_body(shape, request.body))
    found = list(check_structure(shape, params, ""))
    if found:
        raise violations(found)
    return params


def _outside(
    member: Shape, name: str, labels: Mapping[str, str], query: Mapping[str, list[str]], headers: Mapping[str, str]
) -> Any:
    """A member that travels outside the body, or None."""
    place = member.serialization.get("location")
    if place in ("uri", "header"):
        text = labels.get(name) if place == "uri" else headers.get(name.lower())
        return None if text is None else _scalar(member, text)
    if place == "querystring" and name in query:
        if member.type_name == "list":
            return query[name]
        return _scalar(member, query[name][0])
    return None


def _scalar(member: Shape, text: str) -> Any:
    try:
        if member.type_name in ("integer", "long"):
            return int(text)
        if member.type_name == "boolean":
            return {"true": True, "false": False}[text.lower()]
    except (ValueError, KeyError):
        raise Fault("SerializationException", f"{text} cannot be converted to {member.type_name.capitalize()}") from None
    return text


def _body(shape: StructureShape, body: bytes) -> Params:
    if not body:
        return {}
    try:
        document = json.loads(body)
    except ValueError as broken:
        raise Fault("SerializationException", f"Could not parse request body into json: {broken}") from None
    if not isinstance(document, dict):
        raise Fault("SerializationException", "Start of structure or map expected.")
    inside = {name: member for name, member in shape.members.items() if "location" not in member.serialization}
    return _members(inside, document, "")


def _members(members: Mapping[str, Shape], document: Mapping[str, Any], path: str) -> Params:
    by_wire = {wire_name(name, member): (name, member) for name, member in members.items()}
    unknown = [key for key in document if key not in by_wire]
    if unknown:
        # AWS's servers pass over unknown members in silence; saying so catches the typing error that AWS hides.
        raise violations([f"Value at '{_join(path, key)}' failed to satisfy constraint: Member is unknown" for key in unknown])
    params: Params = {}
    for key, value in document.items():
        name, member = by_wire[key]
        if value is not None:
            params[name] = _typed(member, value, _join(path, name))
    return params


def _typed(shape: Shape, value: Any, path: str) -> Any:
    """The value in Python's types (a blob's bytes), or a SerializationException."""
    fits = isinstance(value, JSON_TYPES.get(shape.type_name, (object,)))
    if not fits or (isinstance(value, bool) and shape.type_name != "boolean"):
        raise Fault("SerializationException", f"{_json_type(value)} can not be converted to {_java_type(shape)} at '{path}'")
    if isinstance(shape, StructureShape):
        return _members(shape.members, value, path)
    if isinstance(shape, ListShape):
        return [_typed(shape.member, item, path) for item in value]
    if isinstance(shape, MapShape):
        return {key: _typed(shape.value, item, path) for key, item in value.items()}
    if shape.type_name in ("double", "float"):
        return float(value)
    if shape.type_name == "blob":
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error:
            raise Fault("SerializationException", f"'{path}' is not valid Base64.") from None
    return value


def _json_type(value: Any) -> str:
    names = {str: "STRING_VALUE", bool: "BOOLEAN_VALUE", int: "NUMBER_VALUE", float: "DECIMAL_VALUE"}
    return names.get(type(value), "Start of structure or map" if isinstance(value, dict) else "Start of list")


def _java_type(shape: Shape) -> str:
    names = {"structure": "a structure", "map": "a map", "list": "a list"}
    return names.get(shape.type_name) or str(shape.type_name).capitalize()


def check_structure(shape: StructureShape, params: Params, path: str) -> Iterator[str]:
    """Every violated constraint of a structure and what is below, as AWS says it."""
    for name in shape.required_members:
        if name not in params:
            yield f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null"
    for name, value in params.items():
        yield from check(shape.members[name], value, _join(path, name))


def check(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Every violated constraint of one value."""
    if shape.name in FREE:
        return
    if isinstance(shape, ListShape) and shape.name == "CompatibleRuntimes":
        if not set(value) <= set(shape_enum(shape.member)):
            rule = f"Member must satisfy enum value set: [{SHOWN_RUNTIMES}]"
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
    if shape.name not in FREE and any(next(broken_rules(shape, item), None) for item in items):
        rules = ", ".join(all_rules(shape) + ([] if phrase.startswith("Member") and not shape_enum(shape) else [NOT_NULL]))
        yield f"{lead} failed to satisfy constraint: {phrase}: [{rules}]"


NOT_NULL = "Member must not be null"


def shape_enum(shape: Shape) -> list[str]:
    return list(getattr(shape, "enum", []) or [])


def broken_rules(shape: Shape, value: Any) -> Iterator[str]:
    """The rules of a shape that this value breaks."""
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
    """Every rule of a shape: AWS recites them all when an item of a list or map breaks one."""
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
        values = sorted(values, reverse=True)  # the order AWS was recorded with; it follows no rule we know
    return f"Member must satisfy enum value set: [{', '.join(values)}]"


def _shown(value: Any) -> str:
    """A value as Java prints it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(_shown(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_shown(item)}" for key, item in value.items()) + "}"
    return str(value)


def _join(path: str, name: str) -> str:
    name = name[:1].lower() + name[1:]
    return f"{path}.{name}" if path else name
