"""From an HTTP request to an operation's parameters, typed as botocore's model says. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from botocore.model import ListShape, MapShape, Shape, StructureShape

from lambent.local import json_input
from lambent.local.control.faults import Fault, violations
from lambent.local.control.service_model import OperationCall, wire_name
from lambent.local.control.validate import Params, check_structure, join_path
from lambent.local.http import Request

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


def parse_parameters(call: OperationCall, request: Request) -> Params:
    """Return the parameters of a request.

    Raises Fault: SerializationException for wrong types, ValidationException for violated constraints.
    """
    shape = call.operation.input_shape
    if shape is None:
        return {}
    params: Params = {}
    query = parse_qs(request.query, keep_blank_values=True)
    for name, member in shape.members.items():
        value = _from_head(member, wire_name(name, member), call.labels, query, request)
        if value is not None:
            params[name] = value
    payload = shape.serialization.get("payload")
    if payload and shape.members[payload].type_name == "blob":
        params[payload] = request.body
    elif any("location" not in member.serialization for member in shape.members.values()):
        params.update(_from_body(shape, request.body))
    if messages := list(check_structure(shape, params, "")):
        raise violations(messages)
    return params


def _from_head(member: Shape, name: str, labels: Mapping[str, str], query: Mapping[str, list[str]], request: Request) -> Any:
    """Return a member that travels in the path, a header or the query, or None."""
    location = member.serialization.get("location")
    if location in ("uri", "header"):
        text = labels.get(name) if location == "uri" else request.header(name.lower())
        return None if text is None else _scalar(member, text)
    if location == "querystring" and name in query:
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


def _from_body(shape: StructureShape, body: bytes) -> Params:
    if not body:
        return {}
    try:
        document = json_input.loads_text(body)
    except ValueError as error:
        raise Fault("SerializationException", f"Could not parse request body into json: {error}") from None
    if not isinstance(document, dict):
        raise Fault("SerializationException", "Start of structure or map expected.")
    body_members = {name: member for name, member in shape.members.items() if "location" not in member.serialization}
    return _typed_members(body_members, document, "")


def _typed_members(members: Mapping[str, Shape], document: Mapping[str, Any], path: str) -> Params:
    by_wire = {wire_name(name, member): (name, member) for name, member in members.items()}
    unknown = [key for key in document if key not in by_wire]
    if unknown:
        # AWS ignores unknown members. Refusing them catches typing errors that AWS would hide.
        raise violations(
            [f"Value at '{join_path(path, key)}' failed to satisfy constraint: Member is unknown" for key in unknown]
        )
    params: Params = {}
    for key, value in document.items():
        name, member = by_wire[key]
        if value is not None:
            params[name] = _typed(member, value, join_path(path, name))
    return params


def _typed(shape: Shape, value: Any, path: str) -> Any:
    """Return the value in Python's types (a blob as bytes). Raises SerializationException for another type."""
    fits = isinstance(value, JSON_TYPES.get(shape.type_name, (object,)))
    if not fits or (isinstance(value, bool) and shape.type_name != "boolean"):
        raise Fault("SerializationException", f"{_json_type(value)} can not be converted to {_java_type(shape)} at '{path}'")
    if isinstance(shape, StructureShape):
        return _typed_members(shape.members, value, path)
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
