"""The requests that an API of SAM's template or serverless.yml passes to a function, with the CORS of that API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from lambent.config.detection.template_values import resolve
from lambent.config.detection.yaml_mappings import entries_at, mapping_at, text_at, texts_at
from lambent.config.model import Cors
from lambent.limits import CORS_MAX_AGE_S

_METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"))
_CORS_KEYS = {
    "origins": ("AllowOrigin", "AllowOrigins", "origin", "origins", "allowedOrigins"),
    "methods": ("AllowMethods", "methods", "allowedMethods"),
    "headers": ("AllowHeaders", "headers", "allowedHeaders"),
    "expose": ("ExposeHeaders", "exposedResponseHeaders"),
}
"""What the lists of `Cors` are called for an Api and an HttpApi of SAM, and for http and httpApi of serverless.yml."""
_SERVERLESS_HEADERS = (
    "Content-Type",
    "X-Amz-Date",
    "Authorization",
    "X-Api-Key",
    "X-Amz-Security-Token",
    "X-Amz-User-Agent",
    "X-Amzn-Trace-Id",
)
"""The headers that Serverless allows by default."""


class Request(Struct, frozen=True):
    """A request that a function takes: "GET" or "ANY", "/items/{id}" or "" for any path, and the payload of its event.

    `cors` is what an HTTP API adds to its responses, `preflight` what a REST API answers to OPTIONS of the path, no more. Both
    have no origins if only AWS knows them.
    """

    method: str
    path: str
    payload: str
    cors: Cors | None = None
    preflight: Cors | None = None


def sam_requests(events: Mapping[str, Any], template: Mapping[str, Any]) -> Iterator[Request]:
    """Yield the requests among the events of a function of SAM."""
    for event in events.values():
        properties = mapping_at(event, "Properties")
        method, path = text_at(properties, "Method") or "ANY", text_at(properties, "Path")
        match text_at(event, "Type"):
            case "Api":
                cors = _sam_cors(template, "Api", text_at(properties, "RestApiId"), "Cors")
                yield from request_of(method, path, "1.0", preflight=cors)
            case "HttpApi":
                cors = _sam_cors(template, "HttpApi", text_at(properties, "ApiId"), "CorsConfiguration")
                payload = text_at(properties, "PayloadFormatVersion") or "2.0"
                yield from request_of(method, path, payload, cors=cors)


def serverless_requests(function: Any, service: Mapping[str, Any]) -> Iterator[Request]:
    """Yield the requests among the events of a function of serverless.yml."""
    http_api = mapping_at(service, "provider", "httpApi")
    payload = text_at(http_api, "payload") or "2.0"
    for event in entries_at(function, "events"):
        if "http" in event:
            cors = _read_cors(event["http"], "cors", service, _SERVERLESS_HEADERS)
            yield from request_of(*_method_and_path(event["http"]), "1.0", preflight=cors)
        if "httpApi" in event:
            cors = _read_cors(http_api, "cors", service, _SERVERLESS_HEADERS, tuple(_http_api_methods(service)))
            yield from request_of(*_method_and_path(event["httpApi"]), payload, cors=cors)


def _method_and_path(event: Any) -> tuple[str, str]:
    """Return both of an event such as "GET /items", "*", or a mapping that has them."""
    if isinstance(event, dict):
        return text_at(event, "method") or "ANY", text_at(event, "path")
    method, _, path = event.strip().partition(" ")
    return method, path.strip()


def _http_api_methods(service: Mapping[str, Any]) -> list[str]:
    """Return the methods of all routes of the service's HTTP API, which Serverless allows by default."""
    events = [event for function in mapping_at(service, "functions").values() for event in entries_at(function, "events")]
    return sorted({_plain_method(_method_and_path(event["httpApi"])[0]) for event in events if "httpApi" in event})


def _plain_method(method: str) -> str:
    return "ANY" if method in ("*", "x-amazon-apigateway-any-method") else method.upper()


def request_of(
    method: str, path: str, payload: str, cors: Cors | None = None, preflight: Cors | None = None
) -> Iterator[Request]:
    """Yield a request, nothing for what this doesn't understand. "*" and "$default" are any method and any path."""
    method = _plain_method(method)
    if method in _METHODS and "${" not in path and not path.startswith(("!", "&", "|", ">")):
        yield Request(method, "" if path in ("*", "$default", "") else f"/{path.strip('/')}", payload, cors, preflight)


def _sam_cors(template: Mapping[str, Any], kind: str, reference: str, key: str) -> Cors | None:
    """Return the CORS of the API that an event refers to, or of the one that SAM makes for events that refer to none."""
    shared = mapping_at(template, "Globals", kind)
    own = mapping_at(template, "Resources", reference.removeprefix("!Ref ").strip(), "Properties")
    return _read_cors({**shared, **own}, key, template)


def _read_cors(
    api: Any, key: str, template: Mapping[str, Any], headers: tuple[str, ...] = (), methods: tuple[str, ...] = ()
) -> Cors | None:
    """Return the CORS that an API has under a key, None if it has none. `headers` and `methods` are the defaults."""
    text, options = text_at(api, key), mapping_at(api, key)
    if not options:
        origin = "*" if text.lower() == "true" else (resolve(text, template) or "")
        return Cors(tuple(filter(None, [origin])), methods, headers) if text.lower() not in ("", "false") else None
    lists = {name: [*_texts(options, keys, template)] for name, keys in _CORS_KEYS.items()}
    age = text_at(options, "MaxAge") or text_at(options, "maxAge")
    return Cors(
        tuple(lists["origins"]) if all(map(all, lists.values())) else (),
        tuple(lists["methods"]) or methods,
        tuple(lists["headers"]) or headers,
        tuple(lists["expose"]),
        credentials=(text_at(options, "AllowCredentials") or text_at(options, "allowCredentials")).lower() == "true",
        max_age_s=min(int(age), CORS_MAX_AGE_S) if age.isdecimal() else 0,
    )


def _texts(options: dict[str, Any], keys: tuple[str, ...], template: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts of a list, "" for one that only AWS knows. An Api of SAM has them in one text with commas."""
    for text in (text for key in keys for text in texts_at(options, key)):
        yield from (part.strip("\"' ") for part in (resolve(text, template) or "").split(","))
