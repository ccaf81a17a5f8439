"""The imports between a project's own files, read with a regular expression: they say which folder the app is started from.

A file `src/main.py` with `from src.routes import router` is started from the project's folder, as `src.main`; one with
`from routes import router` from `src/`, as `main`.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from lambent.config.detection.project_modules import Module, ProjectModules
from lambent.module_packages import known_requirement

_FILES_MAX = 400
_IMPORT = re.compile(
    r"(?m)^(?P<indent>[ \t]*)(?:from[ \t]+(?P<source>\.*[\w.]*)[ \t]+import[ \t]+(?P<names>\([^)]*\)|[^\n#;]*)"
    r"|import[ \t]+(?P<modules>[\w., \t]+))"
)
_NAME = re.compile(r"\w+")
_PACKAGE = r"(?<![\w.-])(?:(?:python|py|django|flask)-)?{}(?:-(?:python|py|binary))?(?![\w.-])"
"""A package that has a module of this name. `core` and `api` aren't, for `poetry.core.masonry.api` and `poetry-core`."""
_DEPENDENCY_FILES = ("requirements.txt", "pyproject.toml", "Pipfile", "setup.cfg", "setup.py")


class ImportGraph:
    """The own files that the imports of modules lead to. `folders` counts the imports that each folder had to provide.

    Those that only a layer of the project provides don't count, since no folder of the app's own does.
    """

    def __init__(self, modules: ProjectModules, *starts: Module) -> None:
        self._modules = modules
        self._dependencies = ""
        self._added: set[str] = set()  # folders that a file read so far adds to sys.path: from then on, all imports see them
        self._targets: dict[tuple[Path, str], tuple[Path | None, str]] = {}
        self.files: list[Path] = list(dict.fromkeys(start.path for start in starts))
        self.at_start: set[Path] = set(self.files)
        self.folders: Counter[str] = Counter()
        self.prefixes: set[str] = set()
        self._provided: dict[str, set[str]] = {}
        for path in self.files:  # grows while it is read
            if len(self.files) < _FILES_MAX:
                self._read(path)

    def _read(self, path: Path) -> None:
        for added in self._modules.added_folders(path):
            if added.is_relative_to(self._modules.folder) and (folder := self._modules.relative(added)) != ".":
                self._added.add(folder)
        imports = list(read_imports(path))
        namespaces = {dotted.rpartition(".")[0] for dotted, _ in imports if self._is_in_namespace(path, dotted)}
        for dotted, is_at_start in imports:
            target, folder = self.find(path, dotted)
            if target is None or dotted in namespaces:
                continue
            if not dotted.startswith(".") and folder not in self._added:
                top = dotted.partition(".")[0]
                self._provided.setdefault(folder, set()).add(top)
                if folder not in self._modules.layer_folders:
                    self.folders[folder] += 1
                if folder == ".":
                    self.prefixes.add(top)
            for file in (target, *_packages_above(target, self._modules.folder / (folder or "."))):
                if file not in self.files:
                    self.files.append(file)
                if is_at_start and path in self.at_start:
                    self.at_start.add(file)

    def shared_modules(self, root: str) -> tuple[str, ...]:
        """Return the modules that are imported by their own names from elsewhere than the project's folder and this root."""
        folder = self._modules.folder
        return tuple(
            f"{provider}/{top}" if (folder / provider / top).is_dir() else f"{provider}/{top}.py"
            for provider, tops in sorted(self._provided.items())
            for top in sorted(tops)
            if provider not in (".", root) and not known_requirement(top)
        )

    def find(self, path: Path, dotted: str) -> tuple[Path | None, str]:
        """Return the own file that an import leads to, and the folder on the import path that provides it."""
        key = (path, dotted)
        if key not in self._targets:
            self._targets[key] = self._search(path, dotted)
        return self._targets[key]

    def _is_in_namespace(self, path: Path, dotted: str) -> bool:
        """Return whether an import leads to a file in a folder without `__init__.py`, next to which its package is searched.

        `from admin import auth` takes admin/auth.py, so that `admin` isn't admin/admin.py, which is in the same folder.
        """
        target, folder = self.find(path, dotted)
        package = dotted.rpartition(".")[0]
        is_below = target is not None and bool(package.strip(".")) and not dotted.startswith(".")
        return is_below and module_file(self._modules.folder / folder, package) is None

    def _search(self, path: Path, dotted: str) -> tuple[Path | None, str]:
        if dotted.startswith("."):
            name = dotted.lstrip(".")
            base = path.parents[len(dotted) - len(name) - 1]
            return module_file(base, name) if base.is_relative_to(self._modules.folder) else None, ""
        top = dotted.partition(".")[0]
        if top in sys.stdlib_module_names:
            return None, ""
        for folder in (*self._modules.import_folders(path), *self._added):
            file = module_file(self._modules.folder / folder, dotted)
            is_usual = folder in self._modules.roots or folder in self._added
            if file is not None and file != path and (is_usual or not self._is_dependency(top)):
                return file, folder
        for folder in () if self._is_dependency(top) else self._modules.layer_folders:
            if file := module_file(self._modules.folder / folder, dotted):
                return file, folder
        return None, ""

    def is_foreign(self, dotted: str) -> bool:
        """Return whether an import leads to Python itself or to a package, as far as names and requirements say."""
        top = dotted.partition(".")[0]
        return top in sys.stdlib_module_names or bool(known_requirement(top)) or self._is_dependency(top)

    def _is_dependency(self, name: str) -> bool:
        """Return whether a package of that name is required: `from redis import Redis` isn't about shop/redis.py then."""
        if not self._dependencies:
            files = [self._modules.folder / file for file in _DEPENDENCY_FILES]
            self._dependencies = (
                " ".join(file.read_text("utf-8-sig", "replace").lower() for file in files if file.is_file()) or " "
            )
        return re.search(_PACKAGE.format(re.escape(name.lower())), self._dependencies) is not None


def locate(modules: ProjectModules, module: Module) -> tuple[Module, ImportGraph]:
    """Return a module with the name and the root that its imports need, and its import graph."""
    graph = ImportGraph(modules, module)
    parts = module.path.relative_to(modules.folder).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts
    needed = [folder for folder, _ in graph.folders.most_common() if folder != "."]
    if len(parts) > 1 and parts[0] in graph.prefixes:  # it imports itself from the project's folder
        return replace(module, name=".".join(parts), root=needed[0] if needed else "."), graph
    if not needed:
        return _apart_from_package(modules, module, graph), graph
    below = tuple(needed[0].split("/"))
    inside = parts[: len(below)] == below and len(parts) > len(below)
    keeps_package = _has_relative_imports(module.path) and below != tuple(module.root.split("/"))
    if inside and not keeps_package:
        parts = parts[len(below) :]
    elif module.root != "." and inside:
        parts = tuple(module.name.split("."))
    return replace(module, name=".".join(parts), root=needed[0]), graph


def _apart_from_package(modules: ProjectModules, module: Module, graph: ImportGraph) -> Module:
    """Return a module as it is started from its own folder, if that has the name of a package that it imports.

    Flask's app in flask/app.py can't be `flask.app`: then `from flask import Flask` would look into that folder. Nor can
    code/app.py be `code.app`: Python has a module code itself, which comes before a folder that is no package.
    """
    folder, _, name = module.name.rpartition(".")
    parent = module.path.parent
    top = modules.folder / module.root / folder.partition(".")[0]
    if top.name in sys.stdlib_module_names and not (top / "__init__.py").is_file():
        return replace(module, name=name, root=modules.relative(parent))
    if not folder or "." in folder or (parent / "__init__.py").is_file() or module.path.stem == "__init__":
        return module
    tops = {dotted.partition(".")[0] for path in graph.files for dotted, _ in read_imports(path)}
    return replace(module, name=name, root=modules.relative(parent)) if folder in tops else module


def _has_relative_imports(path: Path) -> bool:
    return any(dotted.startswith(".") for dotted, _ in read_imports(path))


def read_imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield what a file imports, and whether that happens when the file itself is imported."""
    try:
        text = path.read_text("utf-8-sig", "replace")
    except OSError:
        return
    for match in _IMPORT.finditer(text):
        is_at_start = not match["indent"]
        if match["modules"] is not None:
            yield from ((name.split()[0], is_at_start) for name in match["modules"].split(",") if name.split())
            continue
        source = match["source"]
        if source.strip("."):
            yield source, is_at_start
        separator = "" if source.endswith(".") else "."
        names = (name.split()[0] for name in match["names"].strip("() \t").split(",") if name.split())
        yield from ((f"{source}{separator}{name}", is_at_start) for name in names if _NAME.fullmatch(name))


def _packages_above(file: Path, root: Path) -> Iterator[Path]:
    """Yield the `__init__.py` of the packages that a file is in: they are imported before it."""
    for folder in file.parents:
        if not folder.is_relative_to(root) or folder == root:
            return
        if (folder / "__init__.py").is_file():
            yield folder / "__init__.py"


def module_file(base: Path, dotted: str) -> Path | None:
    """Return the file of a module below a folder. A folder without `__init__.py` is no file."""
    stem = base / dotted.replace(".", "/")
    for path in (stem / "__init__.py", stem.with_name(f"{stem.name}.py")):
        if dotted and path.is_file():
            return path
    return None
