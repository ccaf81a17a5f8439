"""botocore's own model of the Lambda API: which operation a request means, and the shapes of its input and errors."""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape
from msgspec import Struct


class Route(Struct, frozen=True):
    """One operation's line: method, path pattern with named labels, and the query it demands ("List=ALL")."""

    method: str
    pattern: re.Pattern[str]
    query: dict[str, list[str]]
    labels: int
    operation: OperationModel


@cache
def service() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("lambda", "service-2"), service_name="lambda")


@cache
def routes() -> tuple[Route, ...]:
    """Every line, the most literal first, so that `/policy/{StatementId}` is not taken for something with more labels."""
    found = [_route(service().operation_model(name)) for name in service().operation_names]
    return tuple(sorted(found, key=lambda route: (route.labels, -len(route.query), -len(route.pattern.pattern))))


def _route(operation: OperationModel) -> Route:
    path, _, query = operation.http["requestUri"].partition("?")
    pattern = "".join(_piece(piece) for piece in re.split(r"(\{[^}]+\})", path.rstrip("/")))
    return Route(operation.http["method"], re.compile(pattern), parse_qs(query), path.count("{"), operation)


def _piece(piece: str) -> str:
    if not piece.startswith("{"):
        return re.escape(piece)
    label = piece.strip("{}")
    return f"(?P<{label[:-1]}>.+)" if label.endswith("+") else f"(?P<{label}>[^/]*)"


def find(method: str, path: str, query: str) -> tuple[OperationModel, dict[str, str]] | None:
    """The operation and its path labels (decoded), or None."""
    given = parse_qs(query, keep_blank_values=True)
    for route in routes():
        if route.method != method or not route.query.items() <= given.items():
            continue
        match = route.pattern.fullmatch(path.rstrip("/"))
        if match and all(match.groupdict().values()):
            return route.operation, {label: unquote(text) for label, text in match.groupdict().items()}
    return None


def is_lambda(method: str, path: str) -> bool:
    """Whether the path is one of the Lambda API's, so that an unsigned request can be told from other services'."""
    return any(route.method == method and route.pattern.fullmatch(path.rstrip("/")) for route in routes())


def error_shape(code: str) -> Any:
    """The model of an exception, or None when AWS sends it unmodelled."""
    return service().shape_for(code) if code in _errors() else None


@cache
def _errors() -> frozenset[str]:
    return frozenset(shape.name for shape in service().error_shapes)


def wire_name(name: str, shape: Shape) -> str:
    """A member's name on the wire."""
    return str(shape.serialization.get("name", name))
