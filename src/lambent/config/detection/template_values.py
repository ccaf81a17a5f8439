"""The values of variables in a CloudFormation template, as far as its own text says them.

`!Ref` of a parameter is its default, unless `NoEcho` says that it is a secret. That of a table or bucket with a name of its own
is this name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lambent.config.detection.yaml_mappings import mapping_at, text_at

_NAMES = {"AWS::DynamoDB::Table": "TableName", "AWS::Serverless::SimpleTable": "TableName", "AWS::S3::Bucket": "BucketName"}
"""The property of each kind of resource that its `!Ref` gives."""
_REFERENCE = re.compile(r"!Ref\s+(\w+)")
_PART = re.compile(r"\$\{(\w+)\}")
_COMPUTED = re.compile(r"[!&|>{\[]|\*\w|.*(?:\$\{|\{\{resolve:)")
"""Values that only AWS or the other tool knows, and texts of several lines."""
_DEPTH_MAX = 3


def plain_variables(variables: Mapping[str, Any], template: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the variables whose values the template says, each with its value."""
    for name, value in variables.items():
        text = resolve(value, template)
        if text is not None:
            yield name, text


def computed_variables(variables: Mapping[str, Any], template: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the other variables, each with the text that stands for its value."""
    yield from ((name, str(value)) for name, value in variables.items() if resolve(value, template) is None)


def resolve(value: Any, template: Mapping[str, Any]) -> str | None:
    """Return the text of a value, with what it refers to. None if the template doesn't say it."""
    text = _resolve(value, template)
    return None if text is None or _COMPUTED.match(text) else text


def _resolve(value: Any, template: Mapping[str, Any], depth: int = 0) -> str | None:
    """Return the text of a value, with what it refers to. None for a mapping of another kind, or a circle."""
    if isinstance(value, dict):
        reference, text = text_at(value, "Ref"), text_at(value, "Fn::Sub")
        value = f"!Ref {reference}" if reference else f"!Sub {text}" if text else None
    if not isinstance(value, str) or depth > _DEPTH_MAX:
        return None
    if match := _REFERENCE.fullmatch(value):
        return _resolve(_referred(match[1], template), template, depth + 1)
    if value.startswith("!Sub "):
        text = value.removeprefix("!Sub ").strip("\"' ")
        return _PART.sub(lambda part: _resolve(_referred(part[1], template), template, depth + 1) or part[0], text)
    return value


def _referred(name: str, template: Mapping[str, Any]) -> str | None:
    """Return what `!Ref` of a name gives, as it is written in the template. None if only AWS knows it."""
    parameter = mapping_at(template, "Parameters", name)
    if text_at(parameter, "NoEcho").lower() == "true":
        return None
    if default := text_at(parameter, "Default"):
        return default
    resource = mapping_at(template, "Resources", name)
    properties = mapping_at(resource, "Properties")
    own_name = properties.get(_NAMES.get(text_at(resource, "Type"), ""))
    return _resolve(own_name, template, 1) if own_name else None
