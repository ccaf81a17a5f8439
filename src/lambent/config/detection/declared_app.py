"""The app that the project's own files declare, looked up: what they name must exist."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from lambent.config.detection.candidates import candidates_in, choose
from lambent.config.detection.declarations import Declaration
from lambent.config.detection.declared_function import DeclaredFunction
from lambent.config.detection.import_graph import locate
from lambent.config.detection.lambda_functions import read_functions
from lambent.config.detection.named_app import has_name, to_app
from lambent.config.detection.project_modules import Module, ProjectModules
from lambent.config.detection.refusals import app_flag
from lambent.config.model import App
from lambent.errors import DetectionError


class _Found(Struct, frozen=True):
    app: App
    definition: object
    source: str


class Remark(Struct, frozen=True):
    """A line about a declaration that doesn't count. `missing` is the target that it names and that doesn't exist here."""

    text: str
    missing: str = ""


def find_declared_app(modules: ProjectModules, declarations: Iterable[Declaration]) -> tuple[App | None, tuple[Remark, ...]]:
    """Return the first app that is declared and exists, with two sources that agree, and remarks about the others."""
    existing: list[_Found] = []
    remarks: list[Remark] = []
    for declaration in declarations:
        match = _look_up(modules, declaration)
        if match is not None:
            existing.append(match)
        elif not declaration.command.is_program:
            target = declaration.command.targets[0]
            remarks.append(Remark(f"{declaration.source} names {target}, which doesn't exist here: ignored", target))
    if not existing:
        return None, tuple(remarks)
    first = existing[0]
    agreeing = [each.source for each in existing if each.definition == first.definition]
    remarks += [
        Remark(
            f"{each.source} names {each.app.spec}, and {first.source} {first.app.spec}: "
            f"to deploy the former, {app_flag(each.app.spec)}"
        )
        for each in existing
        if each.definition != first.definition
    ]
    sources = list(dict.fromkeys(agreeing))
    return replace(first.app, source=" and ".join(sources[:2])), tuple(dict.fromkeys(remarks))


def with_remarks(app: App, remarks: Iterable[Remark]) -> App:
    """Return the app with the remarks, but those that miss this very app, which another folder has: src/, for example."""
    texts = (remark.text for remark in remarks if remark.missing not in (app.spec, app.module))
    return replace(app, remarks=(*texts, *app.remarks))


def find_function(modules: ProjectModules, function: DeclaredFunction) -> App | None:
    """Return the app of a function that a deployment file describes, or None if it doesn't exist."""
    match = _look_up(modules, Declaration(function.command, function.source))
    return match.app if match else None


def functions_of(modules: ProjectModules, app: App) -> list[DeclaredFunction]:
    """Return the functions of the project's deployment file that this app is: several may have the same handler."""
    matches = ((function, find_function(modules, function)) for function in read_functions(modules.folder))
    return [function for function, match in matches if match is not None and match.is_same(app)]


def with_limits(folder: Path, app: App) -> App:
    """Return the app with the memory and the timeout that a deployment file has for it, if it is one function."""
    functions = [] if app.routes else functions_of(ProjectModules(folder), app)
    if not functions:
        return app
    memory, timeout = max(function.memory_mb for function in functions), max(function.timeout_s for function in functions)
    return replace(app, memory_mb=memory, timeout_s=timeout, limits_source=functions[0].source)


def _look_up(modules: ProjectModules, declaration: Declaration) -> _Found | None:
    command = declaration.command
    for target in command.targets:
        text, _, attribute = target.partition(":")
        module = _find_module(modules, text, command.folder)
        if module is None:
            continue
        try:
            if not attribute:
                best = choose(modules, list(candidates_in(modules, module)))
                attribute = best.attribute if best else ""
            if attribute and has_name(modules, module, attribute):
                app = to_app(modules, module, attribute, declaration.source, must_call=command.is_factory)
                value = modules.value(module, attribute.partition("(")[0])
                if command.is_handler and app.kind == "web" and not (value and value.kind):
                    app = replace(app, kind="handler")
                return _Found(app, (value and value.definition) or app.spec, declaration.source)
        except DetectionError:  # the search, which follows, explains it
            continue
    return None


def _find_module(modules: ProjectModules, text: str, folder: str) -> Module | None:
    """Return the module of "package.module", "path/module.py" or "path", as seen from a folder of the project."""
    if not (modules.folder / folder).is_dir():
        return None
    if text.endswith(".py") or "/" in text:
        base = modules.folder / folder / text.strip("/")
        for path in (base, base.with_name(f"{base.name}.py"), base / "__init__.py"):
            if path.is_file() and path.suffix == ".py" and path.resolve().is_relative_to(modules.folder):
                return locate(modules, modules.at(Path(path)))[0]
        return None
    folders = dict.fromkeys((folder, *modules.roots))
    module = modules.find(text, folders)
    if module is None or "__main__" in text:
        return module
    main = modules.find(f"{text}.__main__", folders)
    has_app = main is not None and module.path.stem == "__init__" and not any(candidates_in(modules, module))
    return main if has_app else module
