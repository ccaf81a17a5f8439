"""Handlers that were written for a REST API of API Gateway: a Function URL's requests in its form (payload 1.0).

`LAMBENT_PAYLOAD=1.0` asks for it. The event is that of a proxy resource, `/{proxy+}`, or of the first of the paths after the
number that matches: `1.0 /items/{id}`. A Chalice app gets that of its own route.
Text that a Function URL sends as base64, such as a form, becomes text. Other events are passed on as they are.
"""

from __future__ import annotations

from base64 import b64decode
from urllib.parse import parse_qsl

from .resource_paths import match, most_specific_first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

NOT_FOUND = {"statusCode": 404, "headers": {"content-type": "application/json"}, "body": '{"message":"Not Found"}'}
"""API Gateway's response to a request that no route matches."""


class RestApi:
    """A handler of REST events, called with the events of a Function URL. `paths` are resources that it is for."""

    def __init__(self, handler: Callable[[Any, Any], Any], paths: Iterable[str] = ()) -> None:
        self._handler = handler
        routes = _routes_of_chalice(handler)
        self._is_complete = routes is not None
        self._paths = most_specific_first(paths if routes is None else routes)

    def __call__(self, event: Any, context: Any) -> Any:
        if not is_request(event):
            return self._handler(event, context)
        resource, parameters = self._resource(event.get("rawPath") or "/")
        if not resource:
            return NOT_FOUND
        return url_result(self._handler(rest_event(event, resource, parameters), context))

    def _resource(self, path: str) -> tuple[str, dict[str, str] | None]:
        """Return the resource that a path is for, and the values of its parameters. A resource of "" means that none is."""
        for resource in self._paths:
            parameters = match(resource, path)
            if parameters is not None:
                return resource, parameters or None
        if self._is_complete:
            return "", None
        return ("/{proxy+}", {"proxy": path.strip("/")}) if path != "/" else ("/", None)


def is_request(event: Any) -> bool:
    """Return whether an event is a request that a Function URL sends."""
    return isinstance(event, dict) and event.get("version") == "2.0" and "http" in (event.get("requestContext") or {})


def _routes_of_chalice(handler: Any) -> list[str] | None:
    """Return the routes of a Chalice app. None for another handler."""
    routes = getattr(handler, "routes", None)
    return list(routes) if type(handler).__module__.startswith("chalice") and isinstance(routes, dict) else None


def rest_event(event: dict[str, Any], resource: str, parameters: dict[str, str] | None) -> dict[str, Any]:
    """Return the event of a REST API for that of a Function URL."""
    path, method = event.get("rawPath") or "/", event["requestContext"]["http"]["method"]
    headers = {_title(name): value for name, value in (event.get("headers") or {}).items()}
    if event.get("cookies"):
        headers["Cookie"] = "; ".join(event["cookies"])
    query = parse_qsl(event.get("rawQueryString") or "", keep_blank_values=True)
    body, is_encoded = _body(event.get("body"), bool(event.get("isBase64Encoded")))
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": _grouped(query) or None,
        "pathParameters": parameters,
        "stageVariables": None,
        "requestContext": _rest_context(event["requestContext"], resource, path),
        "body": body,
        "isBase64Encoded": is_encoded,
    }


def _rest_context(context: dict[str, Any], resource: str, path: str) -> dict[str, Any]:
    http = context["http"]
    same = {name: context.get(name) for name in ("accountId", "apiId", "domainName", "domainPrefix", "requestId", "stage")}
    return {
        **same,
        "extendedRequestId": context.get("requestId"),
        "httpMethod": http["method"],
        "identity": {"sourceIp": http.get("sourceIp"), "userAgent": http.get("userAgent")},
        "path": path,
        "protocol": http.get("protocol"),
        "requestTime": context.get("time"),
        "requestTimeEpoch": context.get("timeEpoch"),
        "resourcePath": resource,
    }


def _body(body: str | None, is_encoded: bool) -> tuple[str | None, bool]:
    if not body or not is_encoded:
        return body, is_encoded
    try:
        return b64decode(body).decode(), False
    except ValueError:  # it is binary indeed
        return body, True


def url_result(result: Any) -> Any:
    """Return a handler's result as a Function URL takes it: that has no multiValueHeaders, and cookies of their own."""
    if not isinstance(result, dict) or not isinstance(result.get("multiValueHeaders"), dict):
        return result
    headers = dict(result.get("headers") or {})
    cookies = list(result.get("cookies") or ())
    for name, values in result["multiValueHeaders"].items():
        if name.lower() == "set-cookie":
            cookies += values
        elif values:
            headers[name] = ", ".join(map(str, values))
    remaining = {name: value for name, value in result.items() if name != "multiValueHeaders"}
    return {**remaining, "headers": headers, **({"cookies": cookies} if cookies else {})}


def _title(name: str) -> str:
    """Write a header's name as REST APIs have it: "Content-Type"."""
    return "-".join(part.capitalize() for part in name.split("-"))


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped
