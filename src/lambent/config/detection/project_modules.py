"""The Python modules of a project, read but never imported, and which of them are likely to define the app."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from msgspec import Struct

from lambent.config.detection import frameworks as fw
from lambent.config.detection.layer_folders import layer_folders
from lambent.config.detection.module_scan import ModuleScan
from lambent.config.detection.scanned import ServerStart, Value
from lambent.config.detection.search_path import read_added_folders
from lambent.config.detection.server_scan import ServerScan
from lambent.config.model import App
from lambent.config.own_package import install_roots
from lambent.errors import DetectionError

APP_MODULES = (
    *("lambda_function", "app", "main", "wsgi", "asgi", "application", "server", "index", "api", "handler", "run", "web"),
)
"""Common names for the module of an app, the most likely first."""

_APP_MODULES_IN_PACKAGES = ("__init__", *APP_MODULES, "__main__")
_NEVER_APP_MODULES = re.compile(
    r"(test_.*|.*_tests?|conftest|setup|noxfile|tasks|fabfile|gunicorn.*|manage|settings|celery.*)$"
)
_NEVER_APP_PACKAGES = {
    *("tests", "test", "docs", "doc", "examples", "example", "scripts", "node_modules", "build", "dist", "migrations"),
    *(
        "static",
        "templates",
        "venv",
        "env",
        "lib",
        "libs",
        "vendor",
        "bin",
        "include",
        "src",
        "frontend",
        "client",
        "site_packages",
    ),
}
_NEVER_PROJECTS = frozenset(("tests", "test", "docs", "doc", "node_modules", "venv", "env", "build", "dist", "migrations"))
_ROOTS = ("src", "src/py", "src/python", "src/main/python", "py", "python")
"""Folders that hold modules without being packages, in projects that keep their code apart. Others are configured."""
_COPIED = {"bottle": "Bottle", "microdot": "Microdot"}
"""Frameworks of one file, which many projects have a copy of, each with its class."""
_DEPTH_MAX = 4
_DEEP_FILES_MAX = 500
# Syntax of newer Pythons than the one that runs lambent: failing to parse it does not make the app wrong.
_NEWER_SYNTAX = re.compile(r"""\btype\s+\w+.*=|\b(def|class)\s+\w+\s*\[|\b[rRbB]?[fFtT][rR]?["']|except\s+[\w.]+\s*,""")
_RUN_CALL = re.compile(
    "|".join((*fw.RUN_METHODS, *fw.LOOPS, "quickstart", "run_app", "block", "start")).join((r"\b(?:", r")\s*\(")).encode()
)
_STATEMENT_START = re.compile(r"[^\s#)\]}]")


class Module(Struct, frozen=True):
    """A module of the project. `root` is the folder it is imported from. The lower its `tier`, the likelier it has the app."""

    path: Path
    name: str
    root: str
    tier: int = 0

    @property
    def package(self) -> str:
        """The package that its relative imports start from."""
        return self.name if self.path.stem == "__init__" else self.name.rpartition(".")[0]


class ProjectModules:
    """The modules of a project. Each one is scanned at most once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._scans: dict[Path, ModuleScan] = {}
        self._added: dict[Path, list[Path]] = {}
        self._asked: set[tuple[Path, str]] = set()  # functions that a scan is asked about: they may call each other
        usual = (root for root in (*_ROOTS, *install_roots(folder)) if (folder / root).is_dir())
        roots = (root for root in usual if not (folder / root / "__init__.py").exists())
        self.roots = tuple(dict.fromkeys((".", *roots)))

    @cached_property
    def layer_folders(self) -> tuple[str, ...]:
        """The folders of the project's layers: see `layer_folders.py`."""
        return layer_folders(self.folder)

    def import_folders(self, path: Path) -> Iterator[str]:
        """Yield where a file's absolute imports may start from: the roots, what it adds to `sys.path`, the folders it is in."""
        yield from self.roots
        for added in self.added_folders(path):
            if added.is_relative_to(self.folder) and (folder := self.relative(added)) not in self.roots:
                yield folder
        for parent in path.relative_to(self.folder).parents:
            if (folder := parent.as_posix()) not in self.roots:
                yield folder

    def added_folders(self, path: Path) -> list[Path]:
        """Return the folders that a file adds to `sys.path`, absolute. They may be outside of the project."""
        if path not in self._added:
            self._added[path] = read_added_folders(path, self.folder)
        return self._added[path]

    def relative(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def find(self, name: str, folders: Iterable[str] = ()) -> Module | None:
        """Return the module with a dotted name, or None. It is searched in the roots, unless `folders` names others."""
        if not re.fullmatch(r"[\w-]+(\.[\w-]+)*", name):  # importlib takes a hyphen, only the statement doesn't
            return None
        for root in folders or self.roots:
            base = self.folder / root / name.replace(".", "/")
            for path in (base / "__init__.py", base.with_name(f"{base.name}.py")):
                if path.is_file():
                    return Module(path, name, root)
        return None

    def of_app(self, app: App) -> Module | None:
        """Return the module that has the app, or None. It is searched in the app's root first."""
        return next(iter(self.starts_of(app)), None)

    def starts_of(self, app: App) -> list[Module]:
        """Return the modules that a start of the app imports first: several if it is several functions."""
        folders = dict.fromkeys((app.root, *self.roots))
        return [module for name in app.modules if (module := self.find(name, folders)) is not None]

    def at(self, path: Path, tier: int = 0) -> Module:
        """Return the module at a path, with the name it is imported by."""
        relative = path.relative_to(self.folder)
        above = [root for root in self.roots if root != "." and relative.is_relative_to(root)]
        root = max(above, key=len, default=".")
        parts = relative.relative_to(root).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts
        return Module(path, ".".join(parts), root, tier)

    def candidates(self) -> Iterator[Module]:
        """Yield the modules that may have the app, the likeliest first.

        Tier 0 has the common names, tier 1 the common names in packages, tier 2 other modules at the top and tier 3 other
        modules in packages. Tiers 4 and 5 are like 1 and 3, for packages in packages. A module app.py next to a package app is
        left out: an import of app gets the package.
        """
        paths: set[Path] = set()
        shallow = (self._common(), self._common_in_packages(), self._top_level(), self._in_packages())
        tiers = (*shallow, self._common_deeper(), self._deeper())
        for tier, tier_paths in enumerate(tiers):
            for path in tier_paths:
                is_hidden = path.name != "__init__.py" and (path.with_suffix("") / "__init__.py").is_file()
                if path not in paths and not is_hidden and not _NEVER_APP_MODULES.match(path.stem):
                    paths.add(path)
                    yield self.at(path, tier)

    def nested_folders(self) -> list[Path]:
        """Return the folders that may be projects of their own: those with Python files, here and one level below."""
        top = [folder for folder in _folders_in(self.folder) if folder.name not in _NEVER_PROJECTS]
        below = [folder for parent in top for folder in _folders_in(parent) if folder.name not in _NEVER_PROJECTS]
        return [folder for folder in (*top, *below) if any(folder.glob("*.py")) or _is_project(folder)]

    def scan(self, module: Module) -> ModuleScan:
        """Return the scan of a module. Raises DetectionError, with the line, for a file that is not valid Python."""
        if module.path not in self._scans:
            tree = self._parse(module.path)
            look_up, ask = partial(self._look_up, module.path), partial(self._ask, module.path)
            scan = ModuleScan(module.name, module.package, look_up, ask)
            self._scans[module.path] = scan  # before it runs: modules may import each other
            try:
                scan.run(tree.body)
            except DetectionError:  # in a module that it imports
                del self._scans[module.path]
                raise
        return self._scans[module.path]

    def server_starts(self, path: Path) -> list[ServerStart]:
        """Return the calls in a file that start a server when it is imported. Files without such words aren't parsed."""
        try:
            return self.scan(self.at(path)).server_starts if _RUN_CALL.search(path.read_bytes()) else []
        except (DetectionError, OSError):
            return []

    def has_relative_imports(self, path: Path) -> bool:
        """Return whether a file has a relative import that counts. One in a `try` may have an alternative."""
        tree = self._parse(path)
        tried = {id(part) for node in ast.walk(tree) if isinstance(node, ast.Try) for part in ast.walk(node)}
        return any(isinstance(node, ast.ImportFrom) and node.level and id(node) not in tried for node in ast.walk(tree))

    def value(self, module: Module, name: str, visited: frozenset[Path] = frozenset()) -> Value | None:
        """Return what a name in a module is bound to, also when a star import brings it. None when nothing shows it."""
        scan = self.scan(module)
        if name in scan.names or module.path in visited:
            return scan.names.get(name)
        sources = (self.find(source, self.import_folders(module.path)) for source in scan.star_imports)
        values = (self.value(source, name, visited | {module.path}) for source in sources if source is not None)
        return next((value for value in values if value is not None), None)

    def _look_up(self, importer: Path, module_name: str, name: str) -> Value | None:
        module = self.find(module_name, self.import_folders(importer))
        if module is not None and module_name in _COPIED and _COPIED[module_name] in self.scan(module).names:
            return None  # the framework's own file
        value = self.value(module, name) if module is not None else None
        if value is None and self.find(f"{module_name}.{name}", self.import_folders(importer)) is not None:
            return Value(dotted=f"{module_name}.{name}")
        return value

    def _ask(self, importer: Path, module_name: str, name: str, question: Callable[[ServerScan, str], Any]) -> Any:
        """Ask the scan of an own module about one of its functions. A function that is being asked about has no answer."""
        module = self.find(module_name, self.import_folders(importer))
        if module is None or (module.path, name) in self._asked:
            return None
        self._asked.add((module.path, name))
        try:
            return question(self.scan(module), name)
        finally:
            self._asked.remove((module.path, name))

    def _parse(self, path: Path) -> ast.Module:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DetectionError(f"cannot read {self.relative(path)}: {error.strerror}", where=str(path)) from error
        try:
            return ast.parse(data, str(path))
        except SyntaxError as error:
            lines = data.decode("utf-8", "replace").splitlines()
            number = error.lineno or 1
            is_newer = _NEWER_SYNTAX.search("\n".join(lines[max(0, number - 4) : number]))
            tree = _parse_without_newer_syntax(lines, number) if is_newer and sys.version_info < (3, 14) else None
            if tree is not None:
                return tree
            line = lines[number - 1] if 0 < number <= len(lines) else ""
            where = f"{self.relative(path)}:{number}"
            detail = f"{number:>6} | {line}"
            is_old = error.msg.startswith(("Missing parentheses in call to 'print'", "Missing parentheses in call to 'exec'"))
            hint = "port it to Python 3: this is Python 2, which Lambda dropped in 2021" if is_old else "fix the line below"
            raise DetectionError(f"syntax error: {error.msg}", where=where, hint=hint, detail=detail) from None
        except ValueError as error:
            raise DetectionError(f"not a Python file: {error}", where=self.relative(path)) from error

    def _common(self) -> Iterator[Path]:
        paths = (self.folder / root / f"{name}.py" for root in self.roots for name in APP_MODULES)
        return (path for path in paths if path.is_file())

    def _common_in_packages(self) -> Iterator[Path]:
        paths = (folder / f"{name}.py" for folder in self._packages() for name in _APP_MODULES_IN_PACKAGES)
        return (path for path in paths if path.is_file())

    def _top_level(self) -> Iterator[Path]:
        return (path for root in self.roots for path in _modules_in(self.folder / root))

    def _in_packages(self) -> Iterator[Path]:
        return (path for folder in self._packages() for path in _modules_in(folder))

    def _common_deeper(self) -> Iterator[Path]:
        paths = (folder / f"{name}.py" for folder in self._deeper_packages() for name in _APP_MODULES_IN_PACKAGES)
        return (path for path in paths if path.is_file())

    def _deeper(self) -> Iterator[Path]:
        paths = (path for folder in self._deeper_packages() for path in _modules_in(folder))
        return (path for _, path in zip(range(_DEEP_FILES_MAX), paths, strict=False))

    def _packages(self) -> Iterator[Path]:
        for root in self.roots:
            yield from _packages_in(self.folder / root)

    def _deeper_packages(self) -> list[Path]:
        """Return the packages inside packages, the shallowest first."""
        packages: list[Path] = []
        level = list(self._packages())
        for _ in range(_DEPTH_MAX - 1):
            level = [folder for parent in level for folder in _packages_in(parent)]
            packages += level
        return packages


def _packages_in(parent: Path) -> Iterator[Path]:
    """Yield the folders whose modules can be imported from here: no virtual environments, tests or projects of their own."""
    with os.scandir(parent) as entries:
        names = sorted(entry.name for entry in entries if _is_package_name(entry) and Path(entry.path).is_dir())
    for name in names:
        folder = parent / name
        is_excluded = name in _NEVER_APP_PACKAGES and not (name == "src" and (folder / "__init__.py").exists())
        if not is_excluded and not (folder / "pyvenv.cfg").exists() and not _is_project(folder):
            yield folder


def _folders_in(parent: Path) -> list[Path]:
    folders = (folder for folder in sorted(parent.iterdir()) if not folder.name.startswith(".") and folder.is_dir())
    return [folder for folder in folders if not (folder / "pyvenv.cfg").exists()]


def _modules_in(folder: Path) -> list[Path]:
    """Return the modules of a folder. importlib takes a hyphen and a number in front (`01_basic.py`), the statement doesn't."""
    return sorted(path for path in folder.glob("*.py") if re.fullmatch(r"[\w-]+", path.stem))


def _is_package_name(entry: os.DirEntry[str]) -> bool:
    """Return whether a folder may be a package. One with a hyphen in its name is often a project of its own."""
    name = entry.name
    return name.isidentifier() or (name.replace("-", "_").isidentifier() and Path(entry.path, "__init__.py").is_file())


def _is_project(folder: Path) -> bool:
    markers = ("requirements.txt", "pyproject.toml", "manage.py")
    return not (folder / "__init__.py").exists() and any((folder / marker).is_file() for marker in markers)


def _parse_without_newer_syntax(lines: list[str], number: int) -> ast.Module | None:
    """Parse a module without the top-level statements that this Python can't parse. None if that does not help.

    `number` is the line of the first syntax error.
    """
    lines = list(lines)
    for _ in range(20):
        starts = [at for at in range(min(number, len(lines))) if _STATEMENT_START.match(lines[at])]
        start = starts[-1] if starts else 0
        end = next((at for at in range(start + 1, len(lines)) if _STATEMENT_START.match(lines[at])), len(lines))
        lines[start:end] = [""] * (end - start)
        try:
            return ast.parse("\n".join(lines))
        except SyntaxError as error:
            number = error.lineno or 1
    return None
