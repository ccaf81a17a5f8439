"""The errors of detection. Every command and every `--app` in them is one that works."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from lambent import names
from lambent.config.detection.app_choice import AppChoice
from lambent.config.detection.declared_function import DeclaredFunction
from lambent.config.detection.project_modules import Module, ProjectModules
from lambent.config.detection.project_text import read_text
from lambent.config.detection.scanned import ServerStart
from lambent.config.detection.unsupported import explain_packages, with_polling_seen
from lambent.config.model import App
from lambent.errors import DetectionError

NO_APP = "no app in this file"
SHOWN_MAX = 15
_GENERIC_NAMES = frozenset(
    ("lambda_handler", "handler", "main", "lambda_function", "app", "index", "function", "__init__", "src", "code", "python")
)
"""Names of functions and files that don't tell one function from another."""
_DEPENDENCY_FILES = ("requirements.txt", "pyproject.toml", "Pipfile")
_SMALLEST = {
    "fastapi": 'from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get("/")\ndef home():\n    return "hello"',
    "flask": 'from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.get("/")\ndef home():\n    return "hello"',
    "": 'def lambda_handler(event, context):\n    return {"statusCode": 200, "body": "hello"}',
}
"""The smallest app for a framework that the project requires; without one, a Lambda handler."""

_CELL_IMPORT = re.compile(r'"\s*(?:import|from) ([\w.]+)')
"""An import in a cell of a notebook, whose lines are strings of JSON."""

_WSGI = """import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{}")
application = get_wsgi_application()"""

FoundApp = tuple[str, str, Path, int]
"""The spec of an app, its kind, its file and its line."""


class ListedFunction(Struct, frozen=True):
    """A function of a deployment file that exists, as its app, and the choice that deploys it alone."""

    declared: DeclaredFunction
    app: App
    choice: AppChoice

    @property
    def command(self) -> str:
        return _command_for(self.choice)

    @property
    def name(self) -> str:
        return self.declared.name


class SeparateAppsError(DetectionError):
    """Several apps in folders of their own, perhaps with others next to them that can't be imported from here."""


def several_apps_error(modules: ProjectModules, apps: list[FoundApp]) -> DetectionError:
    """Return the error for apps that are equally likely. Folders that have one app each are projects of their own."""
    if folders := _separate_folders(modules.folder, [path for _, _, path, _ in apps]):
        return _nested_error(modules.folder, folders, SeparateAppsError)
    shown = apps[:SHOWN_MAX]
    choices = tuple(_choice(modules, each) for each in shown)
    specs = ", ".join(spec for spec, *_ in shown) + (", ..." if len(apps) > SHOWN_MAX else "")
    return DetectionError(
        f"found {len(apps)} apps, and nothing says which one to deploy: {specs}",
        where=str(modules.folder),
        hint=_how_to_name_app(modules.folder, apps[0][0]),
        detail="\n".join([*(choice.label for choice in choices), "", *map(_command_for, choices)]),
        choices=choices,
    )


def _command_for(choice: AppChoice) -> str:
    return deploy_command(choice.folder, choice.app, choice.name)


def _choice(modules: ProjectModules, app: FoundApp) -> AppChoice:
    """Return the choice of one of several apps. Functions get names of their own, or each would replace the one before."""
    spec, kind, path, line = app
    folders = reversed(path.relative_to(modules.folder).parts[:-1])
    labels = [spec.partition(":")[2], path.stem, *folders]
    label = next((label for label in labels if label not in _GENERIC_NAMES), "")
    name = names.to_part_name(modules.folder.name, label) if kind == "handler" and label else ""
    return AppChoice(modules.folder, spec, name, f"{spec:<30} {kind:<8} {modules.relative(path)}:{line}")


def several_functions_error(modules: ProjectModules, source: str, functions: list[ListedFunction]) -> DetectionError:
    """Return the error for the functions that a deployment file has. Each becomes an app with a name of its own."""
    shown = functions[:SHOWN_MAX]
    listed = ", ".join(function.name for function in shown) + (", ..." if len(functions) > SHOWN_MAX else "")
    lines = [f"{each.name:<30} {', '.join(each.declared.triggers) or '-':<20} {each.app.handler}" for each in shown]
    return DetectionError(
        f"{source} has {len(functions)} functions, and nothing says which one to deploy: {listed}",
        where=str(modules.folder / source),
        hint="\n".join(function.command for function in shown),
        detail="\n".join(lines),
        choices=tuple(replace(function.choice, label=line) for function, line in zip(shown, lines, strict=True)),
    )


def _separate_folders(top: Path, paths: list[Path]) -> list[Path]:
    """Return the topmost folders that hold one of the files each, if none of them is a package or in one. Else nothing.

    A folder that its own file imports from (`from shop.models import Item` in shop/app.py) is a package.
    """
    parts = [path.relative_to(top).parts[:-1] for path in paths]
    for depth in range(1, min(map(len, parts)) + 1):
        folders = [top.joinpath(*each[:depth]) for each in parts]
        if any((folder / "__init__.py").exists() for folder in folders):
            return []
        if any(_imports_from(path, folder.name) for path, folder in zip(paths, folders, strict=True)):
            return []
        if len(set(folders)) == len(paths):
            return folders
    return []


def _imports_from(path: Path, package: str) -> bool:
    text = path.read_text("utf-8-sig", "replace")
    return re.search(rf"(?m)^[ \t]*(?:from|import)[ \t]+{re.escape(package)}\b", text) is not None


def _how_to_name_app(folder: Path, spec: str) -> str:
    return f'{deploy_command(folder, spec)}\nor, in pyproject.toml:\n[tool.lambent]\napp = "{spec}"'


def app_flag(spec: str) -> str:
    """Return `--app` as one types it: a shell wants the parentheses of a call in quotes."""
    return f"--app {shlex.quote(spec)}"


def deploy_command(folder: Path, spec: str, name: str = "") -> str:
    """Return the command that deploys an app of the project in a folder, with a `name` if it isn't the folder's only one.

    An empty `spec` is the app that is found there.
    """
    path = "" if _shown(folder) == "." else f" {_shown(folder)}"
    app = f" {app_flag(spec)}" if spec else ""
    label = f" --name {name}" if name else ""
    return f"lambent deploy{path}{app}{label}"


def run_as_program(folder: Path, spec: str) -> str:
    """Return the hint to run a module of the project in a folder as a program."""
    return f"{deploy_command(folder, spec)}, which runs the file as a program and takes the app that it serves"


def server_start_error(modules: ProjectModules, spec: str, path: Path, start: ServerStart, program: str) -> DetectionError:
    """Return the error for a module that starts a server when it is imported, which never ends.

    `program` is what `--app` takes to run it as a program, or "" if the runtime can't take the app of that server.
    """
    text = start.text if len(start.text) <= 80 else f"{start.text[:77]}..."
    file = modules.relative(path)
    hint = f'move that call below this line, so that only `python {file}` runs it:\nif __name__ == "__main__":'
    return DetectionError(
        f"{spec} can't be imported: {file} starts a server at import: {text}",
        where=f"{file}:{start.line}",
        hint=f"{run_as_program(modules.folder, program)}\nor {hint}" if program else hint,
    )


def elsewhere_error(
    modules: ProjectModules, has_app: Callable[[Path], bool], error_in: Callable[[Path], DetectionError | None] | None = None
) -> DetectionError | None:
    """Return the error that names the folders below that have an app, or the one above. None if none has.

    If the only folder below can't be deployed alone, that is the error: it has the command that can. One above that can't
    isn't this project's: a folder of examples, say.
    """
    folder = modules.folder
    nested: list[Path] = []
    for candidate in modules.nested_folders():
        if not any(candidate.is_relative_to(above) for above in nested) and has_app(candidate):
            nested.append(candidate)
    if nested:
        inner = error_in(nested[0]) if error_in is not None and len(nested) == 1 else None
        return inner or _nested_error(folder, nested)
    above = next((candidate for candidate in folders_above(folder) if has_app(candidate)), None)
    if above is None or (error_in is not None and error_in(above)):
        return None
    message = f"no app found here, but the folder above has one: {above.name}"
    return DetectionError(message, where=str(folder), hint=f"lambent deploy {_shown(above)}", choices=(AppChoice(above),))


def _nested_error(folder: Path, nested: list[Path], kind: type[DetectionError] = DetectionError) -> DetectionError:
    folders = [each.relative_to(folder).as_posix() for each in nested]
    if len(folders) == 1:
        message = f"the app is in {folders[0]}/"
    else:
        listed = ", ".join(folders[:SHOWN_MAX]) + (", ..." if len(folders) > SHOWN_MAX else "")
        message = f"nothing says which app to deploy: {len(folders)} folders have one each: {listed}"
    commands = "\n".join(f"lambent deploy {_shown(each)}" for each in nested[:SHOWN_MAX])
    choices = tuple(AppChoice(folder / each, label=each) for each in folders[:SHOWN_MAX])
    return kind(message, where=str(folder), hint=commands, choices=choices)


def folders_above(folder: Path) -> list[Path]:
    """Return the folders above this one that belong to the same repository."""
    chain = [folder, *folder.parents]
    top = next((each for each in chain if (each / ".git").exists()), folder)
    return [each for each in folder.parents if each.is_relative_to(top)]


def _shown(folder: Path) -> str:
    """Return a folder as one types it: relative to the working directory if that is shorter, and quoted for a shell."""
    return shlex.quote(min(os.path.relpath(folder), str(folder), key=len))


def no_wsgi_error(modules: ProjectModules, folder: Path, settings: str) -> DetectionError:
    """Return the error for a Django project that only has a manage.py, in this folder, with the file that it lacks."""
    parents = settings.split(".")[:-1]
    if len(parents) > 1 and parents[-1] == "settings":
        parents.pop()
    file = Path(modules.relative(folder)).joinpath(*parents, "wsgi.py").as_posix()
    return DetectionError(
        f"no app found: manage.py starts a Django project that has no {file}",
        where=str(modules.folder),
        hint=f"write {file}:\n{_WSGI.format(settings)}",
    )


def no_app_error(modules: ProjectModules, reasons: list[tuple[Module, str]]) -> DetectionError:
    """Return the error for a project without an app, with the smallest one that would work."""
    file = "app.py" if not (modules.folder / "app.py").exists() else "lambda_function.py"
    framework = "" if file != "app.py" else _required_framework(modules.folder)
    files = [f"{modules.relative(module.path):<30} {reason}" for module, reason in reasons[:SHOWN_MAX]]
    if len(reasons) > SHOWN_MAX:
        files.append(f"and {len(reasons) - SHOWN_MAX} more")
    has_python = bool(reasons) or any(modules.folder.glob("*.py"))
    if not has_python and (notebooks := sorted(modules.folder.glob("*.ipynb"))):
        return _notebook_error(notebooks[0])
    what = "no lambda_handler and no ASGI or WSGI object" if has_python else "no Python files here"
    return DetectionError(
        f"no app found: {what}",
        where=str(modules.folder),
        hint=f"lambent deploy PATH, if the app is in another folder\nor write one; this is the smallest {file}:\n"
        + _SMALLEST[framework],
        detail="\n".join(["lambent looked at", *files]) if files else "",
    )


def _notebook_error(notebook: Path) -> DetectionError:
    """Return the error for a project whose only code is in notebooks, with what stops their app, if that is known."""
    unsupported = explain_packages(_CELL_IMPORT.findall(read_text(notebook)))
    if unsupported is not None and not unsupported.is_common:
        unsupported = with_polling_seen(unsupported, notebook.parent)
        hint = unsupported.cure.format(name="demo", instruction="in app.py, write")
        return DetectionError(f"no app found: {unsupported.reason}", where=notebook.name, hint=hint)
    hint = f"jupyter nbconvert --to script --output app {shlex.quote(notebook.name)}, which writes app.py"
    return DetectionError(
        "no app found: the code is in a notebook, and a server imports Python files", where=notebook.name, hint=hint
    )


def _required_framework(folder: Path) -> str:
    files = (folder / name for name in _DEPENDENCY_FILES)
    text = " ".join(file.read_text("utf-8-sig", "replace").lower() for file in files if file.is_file())
    return next((name for name in _SMALLEST if name and re.search(rf"\b{name}\b", text)), "")
