"""Projects whose imports start from a folder above: they only work if that folder is deployed."""

from __future__ import annotations

import re
from os.path import commonpath, relpath
from pathlib import Path
from shlex import quote

from msgspec import Struct

from lambent.config.app_name import default_name
from lambent.config.detection.import_graph import ImportGraph, module_file, read_imports
from lambent.config.detection.layer_folders import layer_folders
from lambent.config.detection.named_app import find_named_app
from lambent.config.detection.project_modules import Module, ProjectModules
from lambent.config.detection.project_text import read_text
from lambent.config.detection.refusals import deploy_command, folders_above
from lambent.config.model import App
from lambent.config.own_package import distribution_names, is_installable, is_library
from lambent.config.project import find_project
from lambent.config.sourced import Sourced
from lambent.errors import DetectionError

_LEVELS_MAX = 3


class OuterImport(Struct, frozen=True):
    """An import that only works from a folder above, `start`, and why. `is_project` says that it is of a project there."""

    start: Path
    reason: str
    is_project: bool = False


def check_outer_imports(modules: ProjectModules, app: App) -> None:
    """Refuse a project whose app's imports start from a folder above, if the app can be deployed from there."""
    folder, module = modules.folder, modules.of_app(app)
    if module is None:
        return
    is_package = (folder / "__init__.py").is_file() or not (folder / ".git").exists()  # a package needs no such file
    if (
        is_package
        and module.path.parent == folder
        and folder.name.isidentifier()
        and not (folder.parent / "__init__.py").is_file()
        and modules.has_relative_imports(module.path)
    ):
        reason = f"has relative imports, which only work from the folder above: {folder.name}/ is a package"
        outer: OuterImport | None = OuterImport(folder.parent, reason)
    else:
        outer = find_outer_import(modules, module)
    if outer is None:
        return
    command = command_from(outer.start, module.path, app.attribute, default_name(find_project(folder), "").name)
    if command:
        file = modules.relative(module.path)
        hint = f"{_requirement_line(folder, outer.start)}, or: {command}" if outer.is_project else command
        raise DetectionError(f"{file} {outer.reason}", where=file, hint=hint)


def _requirement_line(folder: Path, start: Path) -> str:
    """Return the command that adds the project of a folder above to the requirements, whose last line may have no end."""
    file = folder / "requirements.txt"
    path = relpath(start, folder)
    line = f"echo {path}" if read_text(file).endswith("\n") else rf"printf '\n%s\n' {path}"
    return f"{line} >> {quote(relpath(file))}"


def _requires(folder: Path, start: Path) -> bool:
    """Return whether a folder's requirements have the project of a folder above: `-e ../..`, or its name."""
    names = (re.sub(r"[-_.]+", "[-_.]+", name) for name in distribution_names(start))
    pattern = rf"(?i)(?<![\w./-])(?:{'|'.join((re.escape(relpath(start, folder)) + '/?', *names))})(?![\w./-])"
    files = (*folder.glob("*requirements*.txt"), folder / "pyproject.toml")
    return any(re.search(pattern, read_text(file)) for file in files)


def command_from(start: Path, file: Path, attribute: str, name: str) -> str:
    """Return the command that deploys an app of a file from a folder above, or "" if it isn't found from there.

    The command has the app's name: other apps below that folder would get the folder's, too.
    """
    parts = file.relative_to(start).with_suffix("").parts
    spec = ".".join(parts[:-1] if parts[-1] == "__init__" else parts) + f":{attribute}"
    try:
        find_named_app(ProjectModules(start), Sourced(spec, "--app"))
    except DetectionError:
        return ""
    return deploy_command(start, spec, name)


def find_outer_import(modules: ProjectModules, module: Module) -> OuterImport | None:
    """Return the first import of a module, or of those that it imports, that only works from a folder above."""
    graph = ImportGraph(modules, module)
    for path in graph.files:
        for dotted, is_at_start in read_imports(path):
            if dotted.startswith(".") or graph.find(path, dotted)[0] is not None:
                continue
            is_foreign = graph.is_foreign(dotted)
            runs_here = is_foreign and graph.folders["."] > 0  # `import orm`, so sqlalchemy.orm isn't the own sqlalchemy/orm.py
            outer = None if runs_here else _own_folder(modules, dotted)
            if outer := outer or _added_folder(modules, path, dotted):
                return outer
            if is_at_start and not is_foreign and (outer := _shared_folder(modules, dotted)):
                return outer
    return None


def library_above(folder: Path, module: str) -> Path | None:
    """Return the folder of the library that has a module, if this folder is below it, such as an example of its use."""
    return next((start for start in folders_above(folder) if is_library(start, module)), None)


def _shared_folder(modules: ProjectModules, dotted: str) -> OuterImport | None:
    """Return where an import starts that a folder above has, or a layer there: code that several functions share.

    The library above an example is a package like others: the build installs it where no requirement does.
    """
    top = dotted.partition(".")[0]
    folder = modules.folder
    for start in folders_above(folder)[:_LEVELS_MAX]:
        is_project = is_installable(start) and (folder / "requirements.txt").is_file()
        if is_project and _requires(folder, start):
            continue
        if is_library(start, top) and not folder.is_relative_to(start / top):
            return None
        for provider in (".", *layer_folders(start)):
            if module_file(start / provider, dotted) is not None:
                location = relpath(start / provider / top, folder)
                reason = f"imports {dotted} from {location}, which is outside of this folder"
                return OuterImport(start, reason, is_project)
    return None


def _own_folder(modules: ProjectModules, dotted: str) -> OuterImport | None:
    """Return where an import starts that names the project's own folder: `from backend.x import y`.

    A package that is installed may have the folder's name as well, so what is imported must exist in the folder.
    """
    folder = modules.folder
    for start in folder.parents[:_LEVELS_MAX]:
        above = folder.relative_to(start).parts
        parts = tuple(dotted.split("."))
        if parts[: len(above)] == above and modules.find(above[0]) is None and _has(modules, parts[len(above) :]):
            name = ".".join(above)
            reason = "the folder above" if start == folder.parent else f"{relpath(start, folder)}/"
            return OuterImport(
                start, f"imports its own modules as {name}.*, which only works from {reason}: {folder.name}/ is a package"
            )
    return None


def _has(modules: ProjectModules, parts: tuple[str, ...]) -> bool:
    """Return whether the project's folder, as a package, has a module or name."""
    if not parts:
        return False
    path = modules.folder / parts[0]
    package = modules.folder / "__init__.py"
    is_name = package.is_file() and len(parts) == 1 and parts[0] in modules.scan(modules.at(package)).names
    return path.is_dir() or path.with_suffix(".py").is_file() or is_name


def _added_folder(modules: ProjectModules, path: Path, dotted: str) -> OuterImport | None:
    """Return where an import starts that a folder outside of the project provides, which the file adds to `sys.path`."""
    for added in modules.added_folders(path):
        if not added.is_relative_to(modules.folder) and module_file(added, dotted) is not None:
            start = Path(commonpath([added, modules.folder]))
            if start in modules.folder.parents[:_LEVELS_MAX]:
                reason = f"imports {dotted} from {relpath(added, modules.folder)}/, which is outside of this folder"
                return OuterImport(start, reason)
    return None
