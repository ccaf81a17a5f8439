"""The Python modules of a project, read but never imported, and which of them are likely to define the app."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from lambent.config.module_scan import ModuleScan, Value
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
    *("static", "templates", "venv", "env", "lib", "libs", "vendor", "bin", "include", "src"),
}
# Syntax of newer Pythons than the one that runs lambent: failing to parse it does not make the app wrong.
_NEWER_SYNTAX = re.compile(r"""\btype\s+\w+.*=|\b(def|class)\s+\w+\s*\[|\b[rRbB]?[fFtT][rR]?["']|except\s+[\w.]+\s*,""")
_STATEMENT_START = re.compile(r"[^\s#)\]}]")


class Module(Struct, frozen=True):
    """A module of the project. `root` is its import root, "." or "src". The lower its `tier`, the likelier it has the app."""

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
        source = folder / "src"
        self.roots = (".", "src") if source.is_dir() and not (source / "__init__.py").exists() else (".",)

    def relative(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def find(self, name: str) -> Module | None:
        """Return the module with a dotted name, or None when the project has no such module."""
        if not re.fullmatch(r"\w+(\.\w+)*", name):
            return None
        for root in self.roots:
            base = self.folder / root / name.replace(".", "/")
            for path in (base / "__init__.py", base.with_name(f"{base.name}.py")):
                if path.is_file():
                    return Module(path, name, root)
        return None

    def at(self, path: Path, tier: int = 0) -> Module:
        """Return the module at a path, with the name it is imported by."""
        parts = path.relative_to(self.folder).with_suffix("").parts
        root = "src" if len(parts) > 1 and parts[0] == "src" and "src" in self.roots else "."
        parts = parts[1:] if root == "src" else parts
        parts = parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts
        return Module(path, ".".join(parts), root, tier)

    def candidates(self) -> Iterator[Module]:
        """Yield the modules that may have the app, the likeliest first.

        Tier 0 has the common names, tier 1 the common names in packages, tier 2 other modules at the top and tier 3 other
        modules in packages.
        """
        paths: set[Path] = set()
        tiers = (self._common(), self._common_in_packages(), self._top_level(), self._in_packages())
        for tier, tier_paths in enumerate(tiers):
            for path in tier_paths:
                if path not in paths and not _NEVER_APP_MODULES.match(path.stem):
                    paths.add(path)
                    yield self.at(path, tier)

    def nested_projects(self) -> list[str]:
        """Return the folders that are projects of their own: their modules import each other from there, not from here."""
        folders = (folder for folder in sorted(self.folder.iterdir()) if not folder.name.startswith("."))
        return [folder.name for folder in folders if folder.is_dir() and _is_project(folder)]

    def scan(self, module: Module) -> ModuleScan:
        """Return the scan of a module. Raises DetectionError, with the line, for a file that is not valid Python."""
        if module.path not in self._scans:
            scan = ModuleScan(module.name, module.package, self._look_up)
            self._scans[module.path] = scan  # before it runs: modules may import each other
            scan.run(self._parse(module.path).body)
        return self._scans[module.path]

    def _look_up(self, module_name: str, name: str) -> Value | None:
        module = self.find(module_name)
        if module is None:
            return None
        value = self.scan(module).names.get(name)
        if value is None and self.find(f"{module_name}.{name}") is not None:
            return Value(dotted=f"{module_name}.{name}")
        return value

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
            message = f"syntax error: {error.msg}"
            raise DetectionError(message, where=where, hint="fix the line below", detail=detail) from None
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

    def _packages(self) -> Iterator[Path]:
        for root in self.roots:
            for folder in sorted((self.folder / root).iterdir()):
                is_package_name = folder.name.isidentifier() and folder.name not in _NEVER_APP_PACKAGES
                if is_package_name and folder.is_dir() and not (folder / "pyvenv.cfg").exists() and not _is_project(folder):
                    yield folder


def _modules_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.py") if path.stem.isidentifier())


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
