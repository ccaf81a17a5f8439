"""Modules that serve an app only when they are run as a program, or that start a server as soon as they are imported.

The runtime runs such a module as a program and takes the app that it serves (`runtime/program.py`).
"""

from __future__ import annotations

from pathlib import Path

from lambent.config.detection import frameworks as fw
from lambent.config.detection.import_graph import ImportGraph, locate
from lambent.config.detection.project_modules import Module, ProjectModules
from lambent.config.detection.refusals import server_start_error
from lambent.config.detection.scanned import ServerStart
from lambent.config.model import App
from lambent.errors import DetectionError


def program_remark(modules: ProjectModules, module: Module) -> str:
    """Return why a module is run as a program, as a line for the user."""
    file, scan = modules.relative(module.path), modules.scan(module)
    if start := next((start for start in scan.server_starts if start.serves), None):
        return _start_remark(file, start)
    try:
        hidden = next(scan.hidden_apps(), None)
    except DetectionError:  # in a module that only the program imports
        hidden = None
    prefix = f"{hidden.name} is made {hidden.scope} ({file}:{hidden.line}): " if hidden else ""
    return f"{prefix}lambent runs {file} as a program and takes the app that it serves"


def without_server_start(modules: ProjectModules, app: App) -> App:
    """Return an app whose import ends: if it would start a server, the program that serves the app.

    Raises DetectionError for a server whose app the runtime can't take.
    """
    module = modules.find(app.module, dict.fromkeys((app.root, *modules.roots)))
    if module is None or app.attribute == fw.PROGRAM:
        return app
    graph = ImportGraph(modules, module)
    for path in graph.files:
        if path in graph.at_start and (starts := modules.server_starts(path)):
            if not starts[0].serves or app.kind == "handler":
                raise server_start_error(modules, app.spec, path, starts[0])
            return _program(modules, app, path, starts[0])
    return app


def _program(modules: ProjectModules, app: App, path: Path, start: ServerStart) -> App:
    """Return the file that starts a server as the program that serves the app."""
    program, _ = locate(modules, modules.at(path))
    remark = _start_remark(modules.relative(path), start)
    root = app.root if program.name == app.module else program.root
    return App(program.name, fw.PROGRAM, "web", root, app.source, (*app.remarks, remark))


def _start_remark(file: str, start: ServerStart) -> str:
    text = start.text if len(start.text) <= 80 else f"{start.text[:77]}..."
    return f"{file} starts a server at import ({file}:{start.line}): {text}: it isn't started, lambent takes its app"
