"""CORS of an app that was several functions behind an API.

An HTTP API answers preflight requests and adds its headers to each response, as a Function URL does. A REST API only answers
preflight requests: the functions send the other headers themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from lambent.config.detection.api_requests import Request
from lambent.config.model import App, Cors

_FOR_URL = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_ALL = tuple(sorted((*_FOR_URL, "OPTIONS")))


def with_cors(app: App, requests: Sequence[Request]) -> App:
    """Return the app of functions that take these requests with the CORS of their API."""
    preflights = tuple(_preflights(requests))
    settings = {request.cors for request in requests if not request.preflight}
    if settings <= {None}:
        return replace(app, preflights=preflights)
    only = settings.pop() if len(settings) == 1 and not preflights else None
    return replace(app, cors=_for_url(only) if only else Cors(), preflights=preflights)


def _preflights(requests: Sequence[Request]) -> Iterator[tuple[str, Cors]]:
    """Yield the paths of a REST API at which no function itself answers OPTIONS, each with what the API answers."""
    methods: dict[str, list[str]] = {}
    for request in requests:
        methods.setdefault(request.path, []).append(request.method)
    preflights = {request.path: request.preflight for request in requests if request.preflight}
    for path, preflight in preflights.items():
        if "OPTIONS" not in methods[path]:
            default = _ALL if "ANY" in methods[path] else tuple(sorted({*methods[path], "OPTIONS"}))
            yield path, replace(preflight, methods=preflight.methods or default)


def _for_url(cors: Cors) -> Cors:
    """Return what a Function URL takes: it has "*" for all methods, and none for OPTIONS, which it answers itself."""
    methods = [method.upper() for method in cors.methods]
    is_any = not {"*", "ANY"}.isdisjoint(methods)
    return replace(cors, methods=("*",) if is_any else tuple(method for method in methods if method in _FOR_URL))
