"""botocore's model of the Lambda API: which operation a request calls, and the shapes of its input and errors."""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape
from msgspec import Struct

from lambent.local.http import Request


class Route(Struct, frozen=True):
    """One operation's route: method, path pattern with named labels, and required query ("List=ALL")."""

    method: str
    pattern: re.Pattern[str]
    query: dict[str, list[str]]
    labels: int
    operation: OperationModel


class OperationCall(Struct, frozen=True):
    """The operation that a request calls, with the decoded labels of its path."""

    operation: OperationModel
    labels: dict[str, str]


@cache
def service() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("lambda", "service-2"), service_name="lambda")


@cache
def routes() -> tuple[Route, ...]:
    """Return all routes, the most literal first: `/policy/{StatementId}` must win over a pattern with more labels."""
    unsorted = [_route(service().operation_model(name)) for name in service().operation_names]
    return tuple(sorted(unsorted, key=lambda route: (route.labels, -len(route.query), -len(route.pattern.pattern))))


def _route(operation: OperationModel) -> Route:
    path, _, query = operation.http["requestUri"].partition("?")
    pattern = "".join(_segment_pattern(segment) for segment in re.split(r"(\{[^}]+\})", path.rstrip("/")))
    return Route(operation.http["method"], re.compile(pattern), parse_qs(query), path.count("{"), operation)


def _segment_pattern(segment: str) -> str:
    if not segment.startswith("{"):
        return re.escape(segment)
    label = segment.strip("{}")
    return f"(?P<{label[:-1]}>.+)" if label.endswith("+") else f"(?P<{label}>[^/]*)"


def find_operation(request: Request) -> OperationCall | None:
    """Return the operation that a request calls, or None if the Lambda API has no such route."""
    query = parse_qs(request.query, keep_blank_values=True)
    for route in routes():
        if route.method != request.method or not route.query.items() <= query.items():
            continue
        match = route.pattern.fullmatch(request.path.rstrip("/"))
        if match and all(match.groupdict().values()):
            return OperationCall(route.operation, {label: unquote(text) for label, text in match.groupdict().items()})
    return None


def error_shape(code: str) -> Any:
    """Return the model of an exception, or None if AWS sends it without modelling it."""
    return service().shape_for(code) if code in _errors() else None


@cache
def _errors() -> frozenset[str]:
    return frozenset(shape.name for shape in service().error_shapes)


def wire_name(name: str, shape: Shape) -> str:
    """Return a member's name on the wire."""
    return str(shape.serialization.get("name", name))
