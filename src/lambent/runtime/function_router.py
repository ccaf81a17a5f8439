"""Several functions of a project behind one URL, as API Gateway has them: the first route that matches a request decides.

`functions.json` next to this module lists the routes. Each has a method ("GET", "ANY"), a path ("/items/{id}"; "" for requests
that no other path matches), a handler, the folder of its function's code ("" for the top of the zip), the payload of its events
("1.0" for those of a REST API), and the variables that only this function has, or with other values. As in functions of their
own, code in one folder doesn't see the modules of another. If variables differ, those with other variables have other copies of
the app's own modules, so that what a module reads at its import is right too. The modules of packages are the same for all.
A route with origins instead of a handler answers preflight requests, as a REST API with CORS does. If the URL `has_cors`, it
adds those headers to each response, and the functions' own are left out, as an HTTP API leaves them out.
"""

from __future__ import annotations

import sys
from urllib.parse import unquote

from .app_loader import load_app
from .environment import set_variable, variable_names
from .json_text import parse
from .resource_paths import match, most_specific_first
from .rest_api import NOT_FOUND, is_request, rest_event, url_result
from .writable import own_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    Route = dict[str, Any]

_ROUTES = __file__.rpartition("/")[0] + "/functions.json"


class FunctionRouter:
    """The handler that calls the function of a route. Each function is imported at once, so that a start shows its errors."""

    def __init__(self, routes: Sequence[Route], *, has_cors: bool = False, own_files: Sequence[str] = ()) -> None:
        order = {path: index for index, path in enumerate(most_specific_first({route["path"] for route in routes} - {""}))}
        self._routes = sorted(routes, key=lambda route: (order.get(route["path"], len(order)), route["method"] == "ANY"))
        self._has_cors = has_cors
        self._scopes = Scopes(own_files if any(route.get("variables") for route in routes) else ())
        self._handlers: dict[tuple[Scope, str], Callable[[Any, Any], Any]] = {}
        for route in routes:
            if "handler" in route:
                self._load(route)

    def __call__(self, event: Any, context: Any) -> Any:
        if not is_request(event):
            raise ValueError("this event isn't an HTTP request, and only the path of a request says which function it is for")
        for route in self._routes:
            parameters = _parameters(route, event)
            if parameters is not None and "origins" in route:
                return _preflight_response(route, event)
            if parameters is not None:
                result = _call(self._load(route), route, parameters, event, context)
                return _without_cors(result) if self._has_cors else result
        return NOT_FOUND

    def _load(self, route: Route) -> Callable[[Any, Any], Any]:
        """Make the scope of a route's function the current one, and return its handler."""
        scope = self._scopes.of(route["folder"], route.get("variables") or {})
        self._scopes.enter(scope)
        key = (scope, route["handler"])
        if key not in self._handlers:
            self._handlers[key] = load_app(route["handler"])
        return self._handlers[key]


class Scope:
    """What functions with code in one folder ("" for none but the top) and the same variables have in common."""

    def __init__(self, folder: str, variables: dict[str, str]) -> None:
        self.folder, self.variables = folder, variables
        self.modules: dict[str, Any] = {}


class Scopes:
    """The scopes of functions. The current one is on the import path, in the environment and in `sys.modules`.

    `own_files` are those of all functions, relative to the top, if each scope has modules of its own from there as well.
    """

    def __init__(self, own_files: Iterable[str] = ()) -> None:
        self._top, self._own_names = sys.path[0], {file.partition("/")[0] for file in own_files}
        self._current = Scope("", {})
        self._scopes: dict[tuple[str, tuple[tuple[str, str], ...]], Scope] = {("", ()): self._current}
        self._set_names = set(variable_names())  # the user's own values are for all functions

    def of(self, folder: str, own: dict[str, str]) -> Scope:
        """Return the scope of functions in a folder with variables of their own."""
        unset = {name: value for name, value in own.items() if name not in self._set_names}
        return self._scopes.setdefault((folder, tuple(sorted(unset.items()))), Scope(folder, unset))

    def enter(self, scope: Scope) -> None:
        """Make a scope the current one."""
        last = self._current
        if scope is last:
            return
        modules = list(sys.modules.items())  # a lazy module may import others when it is asked for its path
        last.modules = {name: module for name, module in modules if self._is_of_scope(_path_of(module), last)}
        for name in last.modules:
            del sys.modules[name]
        for name in last.variables:
            set_variable(name, None)
        if last.folder:
            sys.path.remove(f"{self._top}/{last.folder}")
        if scope.folder:
            sys.path.insert(0, f"{self._top}/{scope.folder}")
        for name, value in scope.variables.items():
            set_variable(name, value)
        sys.modules.update(scope.modules)
        self._current = scope

    def _is_of_scope(self, path: str, scope: Scope) -> bool:
        if not path.startswith(f"{self._top}/"):
            return False
        name = path[len(self._top) + 1 :]
        return name.partition("/")[0] in self._own_names or bool(scope.folder and name.startswith(f"{scope.folder}/"))


def router() -> FunctionRouter:
    """Return the handler for the routes in the zip."""
    with open(_ROUTES, "rb", 0) as file:  # noqa: PTH123 - pathlib would cost 10 ms
        return FunctionRouter(**parse(file.read()), own_files=own_files())


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
