"""Several functions of a project behind one URL, as API Gateway has them: the first route that matches a request decides.

`functions.json` next to this module lists the routes. Each has a method ("GET", "ANY"), a path ("/items/{id}"; "" for requests
that no other path matches), a handler, the folder of its function's code ("" for the top of the zip), and the payload of its
events ("1.0" for those of a REST API). As in functions of their own, code in one folder doesn't see the modules of another.
A route with origins instead of a handler answers preflight requests, as a REST API with CORS does. If the URL `has_cors`, it
adds those headers to each response, and the functions' own are left out, as an HTTP API leaves them out.
"""

from __future__ import annotations

import sys
from urllib.parse import unquote

from .app_loader import load_app
from .json_text import parse
from .resource_paths import match, most_specific_first
from .rest_api import NOT_FOUND, is_request, rest_event, url_result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Route = dict[str, Any]

_ROUTES = __file__.rpartition("/")[0] + "/functions.json"


class FunctionRouter:
    """The handler that calls the function of a route. Each function is imported at once, so that a start shows its errors."""

    def __init__(self, routes: Sequence[Route], *, has_cors: bool = False) -> None:
        order = {path: index for index, path in enumerate(most_specific_first({route["path"] for route in routes} - {""}))}
        self._routes = sorted(routes, key=lambda route: (order.get(route["path"], len(order)), route["method"] == "ANY"))
        self._has_cors = has_cors
        self._folders = CodeFolders()
        self._handlers: dict[tuple[str, str], Callable[[Any, Any], Any]] = {}
        for route in routes:
            if "handler" in route:
                self._load(route["folder"], route["handler"])

    def __call__(self, event: Any, context: Any) -> Any:
        if not is_request(event):
            raise ValueError("this event isn't an HTTP request, and only the path of a request says which function it is for")
        for route in self._routes:
            parameters = _parameters(route, event)
            if parameters is not None and "origins" in route:
                return _preflight_response(route, event)
            if parameters is not None:
                self._folders.enter(route["folder"])
                result = _call(self._handlers[route["folder"], route["handler"]], route, parameters, event, context)
                return _without_cors(result) if self._has_cors else result
        return NOT_FOUND

    def _load(self, folder: str, handler: str) -> None:
        if (folder, handler) not in self._handlers:
            self._folders.enter(folder)
            self._handlers[folder, handler] = load_app(handler)


class CodeFolders:
    """The folders of functions' code. One at a time is on the import path, and `sys.modules` has its modules only."""

    def __init__(self) -> None:
        self._top, self._current = sys.path[0], ""
        self._modules: dict[str, dict[str, Any]] = {}

    def enter(self, folder: str) -> None:
        """Make a folder the one that imports see, "" for none but the top."""
        if folder == self._current:
            return
        if self._current:
            path = f"{self._top}/{self._current}"
            sys.path.remove(path)
            modules = list(sys.modules.items())  # a lazy module may import others when it is asked for its path
            own = {name: module for name, module in modules if _path_of(module).startswith(f"{path}/")}
            for name in own:
                del sys.modules[name]
            self._modules[self._current] = own
        if folder:
            sys.path.insert(0, f"{self._top}/{folder}")
            sys.modules.update(self._modules.get(folder, {}))
        self._current = folder


def router() -> FunctionRouter:
    """Return the handler for the routes in the zip."""
    with open(_ROUTES, "rb", 0) as file:  # noqa: PTH123 - pathlib would cost 10 ms
        return FunctionRouter(**parse(file.read()))


def _path_of(module: Any) -> str:
    """Return the path of a module's file, or of the folder of a package without `__init__.py`, with a slash at its end."""
    file = getattr(module, "__file__", None)
    folders = () if file else getattr(module, "__path__", ())
    return file or next((f"{folder}/" for folder in folders), "")


def _parameters(route: Route, event: dict[str, Any]) -> dict[str, str] | None:
    """Return the parameters of the request's path if it is for a route, else None."""
    if route["method"] not in ("ANY", event["requestContext"]["http"]["method"]):
        return None
    return match(route["path"], event.get("rawPath") or "/") if route["path"] else {}


def _preflight_response(route: Route, event: dict[str, Any]) -> dict[str, Any]:
    """Return what a REST API answers without a function: of several origins, the one that asks."""
    origins, origin = route["origins"], (event.get("headers") or {}).get("origin")
    allowed = origin if origin in origins else origins[0]
    return {"statusCode": 200, "headers": {"access-control-allow-origin": allowed, **route["headers"]}, "body": ""}


def _without_cors(result: Any) -> Any:
    """Return a function's result without headers of CORS: browsers refuse those that come twice."""
    if not isinstance(result, dict) or not isinstance(result.get("headers"), dict):
        return result
    headers = {name: value for name, value in result["headers"].items() if not name.lower().startswith("access-control-")}
    return {**result, "headers": headers}


def _call(
    handler: Callable[[Any, Any], Any], route: Route, parameters: dict[str, str], event: dict[str, Any], context: Any
) -> Any:
    if route["payload"] == "1.0":
        return url_result(handler(rest_event(event, route["path"], parameters or None), context))
    return handler(_http_api_event(event, route, parameters), context)


def _http_api_event(event: dict[str, Any], route: Route, parameters: dict[str, str]) -> dict[str, Any]:
    """Return the event of an HTTP API for that of a Function URL: with the route, and with the path decoded."""
    key = f"{route['method']} {route['path']}" if route["path"] else "$default"
    routed = {
        **event,
        "routeKey": key,
        "rawPath": unquote(event.get("rawPath") or "/"),
        "requestContext": {**event["requestContext"], "routeKey": key},
    }
    values = {name: unquote(value) for name, value in parameters.items()}
    return {**routed, "pathParameters": values} if values else routed
