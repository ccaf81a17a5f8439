"""Scripts that only import the app from another module and start a server for it, as `run.py` next to a package does.

An import of such a script would never end. The app is taken from where the script imports it, which leaves nothing out.
"""

from __future__ import annotations

import ast

from lambent.config.detection import frameworks as fw
from lambent.config.detection.import_graph import ImportGraph
from lambent.config.detection.named_app import find_named_app
from lambent.config.detection.project_modules import Module, ProjectModules
from lambent.config.model import App
from lambent.config.sourced import Sourced

_SERVER_ATTRIBUTES = ("debug", "env")
"""Attributes that matter to the framework's own server."""
_HARMLESS_CALLS = ("int", "os.environ.get", "os.getenv", "environ.get", "getenv")


def past_launcher(modules: ProjectModules, app: App) -> App:
    """Return the app of the module that a launcher imports it from, or the same app where its module does more."""
    module = modules.of_app(app)
    if module is None or app.attribute == fw.PROGRAM or not (starts := modules.server_starts(module.path)):
        return app
    origin = _origin(modules, module, app.attribute, starts[0].line)
    if not origin:
        return app
    return find_named_app(modules, Sourced(origin, f"{modules.relative(module.path)}, line {starts[0].line}"))


def _origin(modules: ProjectModules, module: Module, name: str, start_line: int) -> str:
    """Return "module:name" as the script imports it, "" if the statements before its server's start do anything else."""
    origin = ""
    for statement in ast.parse(module.path.read_bytes()).body:
        if statement.lineno == start_line:
            return origin if isinstance(statement, ast.Expr) else ""
        if isinstance(statement, ast.ImportFrom) and not statement.level and not origin:
            imported = next((each.name for each in statement.names if (each.asname or each.name) == name), "")
            if imported and len(statement.names) == 1 and modules.find(f"{statement.module}.{imported}") is None:
                origin = f"{statement.module}:{imported}"
                continue
        if not _is_without_effect(modules, module, statement, name):
            return ""
    return ""


def _is_without_effect(modules: ProjectModules, module: Module, statement: ast.stmt, name: str) -> bool:
    """Return whether the app is the same without a statement: an import of a package, a docstring, a number of a port."""
    graph = ImportGraph(modules)
    match statement:
        case ast.Import(names):
            return all(graph.is_foreign(each.name) and graph.find(module.path, each.name)[0] is None for each in names)
        case ast.ImportFrom(source, _, 0) if source:
            return graph.is_foreign(source) and graph.find(module.path, source)[0] is None
        case ast.Expr(ast.Constant()):
            return True
        case ast.Assign([ast.Attribute(ast.Name(owner), attribute)], ast.Constant()):
            return owner == name and attribute in _SERVER_ATTRIBUTES
        case ast.Assign([ast.Name(target)], value):
            calls = (each for each in ast.walk(value) if isinstance(each, ast.Call))
            return target != name and all(ast.unparse(each.func) in _HARMLESS_CALLS for each in calls)
    return False
