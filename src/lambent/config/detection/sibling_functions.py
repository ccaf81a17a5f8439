"""The functions of a deployment file that describes several: those of an API as one app, and how to deploy each alone."""

from __future__ import annotations

from msgspec.structs import replace

from lambent import names
from lambent.config.app_name import default_name
from lambent.config.detection.api_cors import with_cors
from lambent.config.detection.api_requests import Request
from lambent.config.detection.app_choice import AppChoice
from lambent.config.detection.declared_app import find_function, functions_of
from lambent.config.detection.declared_function import DeclaredFunction
from lambent.config.detection.function_variables import own_variables, unknown_variables
from lambent.config.detection.lambda_functions import missing_functions, read_functions
from lambent.config.detection.named_app import find_named_app
from lambent.config.detection.project_modules import ProjectModules
from lambent.config.detection.refusals import ListedFunction, several_functions_error
from lambent.config.model import App, Pairs, Route
from lambent.config.project import Project
from lambent.config.sourced import Sourced
from lambent.errors import DetectionError
from lambent.units import listing

_SHOWN_MAX = 8


class SiblingFunctions:
    """The functions of a project that exist. There are none unless a deployment file describes several."""

    def __init__(self, project: Project) -> None:
        self._modules, self._project = ProjectModules(project.folder), project  # modules of its own: they have other roots
        declared = read_functions(project.folder)
        several = declared if len({function.command for function in declared}) > 1 else []
        self._functions = list(filter(None, map(self._find, several)))
        self._source = declared[0].source if declared else ""

    def refusal(self) -> DetectionError | None:
        """Return the error that lists them, or None if there aren't several."""
        if len(self._functions) < 2:
            return None
        return several_functions_error(self._modules, self._source, self._functions)

    def together(self, app: App | None = None) -> App | None:
        """Return the functions of an API as one app. None if they aren't several, or if `app` is no function of the file.

        Also None if two of them take the same requests, or if a folder's name can't be part of a module's name.
        """
        if app is not None and not any(function.app.is_same(app) for function in self._functions):
            return None
        functions = [function for function in self._functions if function.declared.requests]
        roots = {function.app.root for function in functions}
        root = roots.pop() if len(roots) == 1 else "."
        declared = [function.declared for function in functions]
        variables = {function.name: own_variables(function, declared) for function in declared}
        routes = [
            _route(function.app, root, request, variables[function.name])
            for function in functions
            for request in function.declared.requests
        ]
        handlers = {(route.folder, route.handler) for route in routes}
        is_clear = len({(route.method, route.path) for route in routes}) == len(set(routes))
        if len(handlers) < 2 or not is_clear or any("." in route.folder.strip(".") for route in routes):
            return None
        shared = dict.fromkeys(module for each in functions for module in each.app.shared_modules)
        together = App("", "", "handler", root, self._source, (), shared_modules=tuple(shared), routes=_in_order(routes))
        together = replace(
            self._with_remarks(together, functions),
            memory_mb=max(function.memory_mb for function in declared),
            timeout_s=max(function.timeout_s for function in declared),
            limits_source=self._source,
        )
        return with_cors(together, [request for function in declared for request in function.requests])

    def with_others(self, app: App) -> App:
        """Return the app with remarks about the others, if it is one of the functions."""
        if not functions_of(self._modules, app):
            return app
        others = [function for function in self._functions if not function.app.is_same(app)]
        remarks = [self._remark_about(others)] if others else []
        return replace(app, remarks=(*app.remarks, *remarks, *self._missing()))

    def _missing(self) -> list[str]:
        """Return a remark about the functions that are only in the file."""
        missing = missing_functions(self._project.folder, self._source)
        return [f"{self._source} also has {listing(missing)}, whose code isn't here"] if missing else []

    def _with_remarks(self, app: App, functions: list[ListedFunction]) -> App:
        """Return the app of these functions with remarks about its routes and about the functions that aren't among them."""
        routes = listing([str(route) for route in app.routes], _SHOWN_MAX)
        remark = f"{len(functions)} functions of {self._source} become one, which calls them by method and path: {routes}"
        remarks = [remark]
        if others := [function for function in self._functions if function not in functions]:
            remarks.append(self._remark_about(others))
        remarks += self._missing()
        if unknown := unknown_variables([function.declared for function in functions]):
            differ = "differs" if len(unknown) == 1 else "differ"
            what = f"{listing(unknown)} {differ} from function to function, and {self._source} doesn't say the values"
            remarks.append(f"{what}: what is set counts for all; to deploy {functions[0].name} alone: {functions[0].command}")
        return replace(app, remarks=tuple(remarks))

    def _remark_about(self, others: list[ListedFunction]) -> str:
        listed, first = listing([function.name for function in others]), others[0]
        return f"{self._source} also has {listed}, which this doesn't deploy; for {first.name}: {first.command}"

    def _find(self, function: DeclaredFunction) -> ListedFunction | None:
        """Return a function with the command that deploys it alone, as its tool would: its folder of code is the zip's root."""
        app = find_function(self._modules, function)
        if app is None:
            return None
        own_folder = app.root not in self._modules.roots
        modules = ProjectModules(self._modules.folder / app.root) if own_folder else self._modules
        try:
            find_named_app(modules, Sourced(app.spec, "--app"))
        except DetectionError:
            return None
        name = names.to_part_name(default_name(self._project, "").name, function.name)
        return ListedFunction(function, app, AppChoice(modules.folder, app.spec, name))


def _route(app: App, root: str, request: Request, variables: Pairs) -> Route:
    """Return the route to a function with these variables of its own, of an app with this root."""
    folder = "." if app.root == root else app.root
    return Route(request.method, request.path, app.module, app.attribute, folder, request.payload, variables)


def _in_order(routes: list[Route]) -> tuple[Route, ...]:
    """Return each route once, in the order of the file, those that GET can ask for without parameters first."""
    return tuple(sorted(dict.fromkeys(routes), key=lambda route: route.method not in ("GET", "ANY") or "{" in route.path))
