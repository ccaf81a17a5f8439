"""Modules that serve an app only when they are run as a program, or that start a server as soon as they are imported.

Where no name of a module could be the app, or only a function makes it, the runtime runs the module as a program and takes
the app that it serves (`runtime/program.py`). Where a line could be moved the user decides: `--app main:__main__` says so.
"""

from __future__ import annotations

from collections.abc import Iterable

from lambent.config.detection import frameworks as fw
from lambent.config.detection.factory_arguments import factory_error
from lambent.config.detection.import_graph import ImportGraph, locate
from lambent.config.detection.project_modules import Module, ProjectModules
from lambent.config.detection.refusals import run_as_program, server_start_error
from lambent.config.model import App
from lambent.errors import DetectionError


def program_remark(modules: ProjectModules, module: Module) -> str:
    """Return that a module is run as a program, as a line for the user."""
    return f"lambent runs {modules.relative(module.path)} as a program and takes the app that it serves"


def check_server_starts(modules: ProjectModules, app: App) -> None:
    """Refuse an app whose import would start a server: it would never end. Raises DetectionError."""
    module = modules.of_app(app)
    if module is None or app.attribute == fw.PROGRAM:
        return
    graph = ImportGraph(modules, module)
    for path in graph.files:
        if path in graph.at_start and (starts := modules.server_starts(path)):
            program = program_spec(modules, modules.at(path)) if starts[0].serves and app.kind != "handler" else ""
            raise server_start_error(modules, app.spec, path, starts[0], program)


def program_spec(modules: ProjectModules, module: Module) -> str:
    """Return what `--app` takes to run a module as a program."""
    return f"{locate(modules, module)[0].name}:{fw.PROGRAM}"


def hidden_app_error(modules: ProjectModules, searched: Iterable[Module]) -> DetectionError | None:
    """Return the error for an app that exists only when its file is run as a program, or None."""
    for module in searched:
        scan = modules.scan(module)
        for app in scan.hidden_apps():
            if app.factory:
                return factory_error(modules, module, app)
            file = modules.relative(module.path)
            hint = f"move that line of {file} to the top level, to the left margin: then an import makes {app.name} too"
            if app.remedy:
                hint = f"add this line to {file}, at its end:\n{app.remedy}"
            if scan.program_start():
                hint = f"{run_as_program(modules.folder, program_spec(modules, module))}\nor {hint}"
            message = f"no app found: {app.name} is made {app.scope} ({file}:{app.line})"
            return DetectionError(message, where=f"{file}:{app.line}", hint=hint)
    return None
