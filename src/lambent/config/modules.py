"""The Python files of a project, read (never imported), and which of them are likely to hold the app."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, field

from lambent.config.scan import Scan, Value
from lambent.errors import DetectionError

LIKELY = (
    *("lambda_function", "app", "main", "wsgi", "asgi", "application", "server", "index", "api", "handler", "run", "web"),
)
"""File names one gives to the module of an app, the likeliest first."""

_IN_PACKAGES = ("__init__", *LIKELY, "__main__")
_NEVER = re.compile(r"(test_.*|.*_tests?|conftest|setup|noxfile|tasks|fabfile|gunicorn.*|manage|settings|celery.*)$")
_NOT_PACKAGES = frozenset(
    [
        "tests",
        "test",
        "docs",
        "doc",
        "examples",
        "example",
        "scripts",
        "node_modules",
        "build",
        "dist",
        "migrations",
        "static",
        "templates",
        "venv",
        "env",
        "lib",
        "libs",
        "vendor",
        "site-packages",
        "bin",
        "include",
    ]
)
# Syntax that Pythons newer than this one may know: not being able to read it does not make it wrong.
_NEWER = re.compile(r"""\btype\s+\w+.*=|\b(def|class)\s+\w+\s*\[|\b[rRbB]?[fFtT][rR]?["']|except\s+[\w.]+\s*,""")


class File(Struct, frozen=True):
    """A module of the project: its path, dotted name, import root ("." or "src"), and how far from the obvious it is."""

    path: Path
    module: str
    root: str
    tier: int

    @property
    def package(self) -> str:
        """What the module's relative imports start from."""
        return self.module if self.path.stem == "__init__" else self.module.rpartition(".")[0]


def _project_of_its_own(folder: Path) -> bool:
    return not (folder / "__init__.py").exists() and any(
        (folder / mark).is_file() for mark in ("requirements.txt", "pyproject.toml", "manage.py")
    )


class Modules(Struct):
    """Reads each module at most once. `broken` are those imported by a module that was read, and cannot be read."""

    folder: Path
    _scans: dict[Path, Scan] = field(default_factory=dict)

    @property
    def roots(self) -> tuple[str, ...]:
        source = self.folder / "src"
        return (".", "src") if source.is_dir() and not (source / "__init__.py").exists() else (".",)

    def relative(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def of(self, module: str) -> File | None:
        """The file of a module by its dotted name, or None when the project has none."""
        if not re.fullmatch(r"\w+(\.\w+)*", module):
            return None
        for root in self.roots:
            base = self.folder / root / module.replace(".", "/")
            for path in (base / "__init__.py", base.with_name(f"{base.name}.py")):
                if path.is_file():
                    return File(path, module, root, 0)
        return None

    def at(self, path: Path) -> File:
        """The file at a path, with the module name it is imported by."""
        parts = path.relative_to(self.folder).with_suffix("").parts
        root = "src" if len(parts) > 1 and parts[0] == "src" and "src" in self.roots else "."
        parts = parts[1:] if root == "src" else parts
        parts = parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts
        return File(path, ".".join(parts), root, 0)

    def likely(self) -> Iterator[File]:
        """The files to look at, the likeliest first: usual names, usual names in packages, the rest at the top, the rest."""
        seen: set[Path] = set()
        for tier, paths in enumerate((self._usual(), self._usual_in_packages(), self._others(), self._others_in_packages())):
            for path in paths:
                if path not in seen and not _NEVER.match(path.stem):
                    seen.add(path)
                    found = self.at(path)
                    yield File(found.path, found.module, found.root, tier)

    def read(self, file: File) -> Scan:
        """What a module's names are. Raises DetectionError for a file that is not Python, with the line."""
        if file.path not in self._scans:
            scan = Scan(file.module, file.package, self._lookup)
            self._scans[file.path] = scan  # before it is read: modules may import each other
            scan.run(self._tree(file.path).body)
        return self._scans[file.path]

    def _lookup(self, module: str, name: str) -> Value | None:
        file = self.of(module)
        if file is None:
            return None
        found = self.read(file).names.get(name)
        if found is None and self.of(f"{module}.{name}") is not None:
            return Value(dotted=f"{module}.{name}")
        return found

    def _tree(self, path: Path) -> ast.Module:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DetectionError(f"cannot read {self.relative(path)}: {error.strerror}", where=str(path)) from error
        try:
            return ast.parse(data, str(path))
        except SyntaxError as error:
            lines = data.decode("utf-8", "replace").splitlines()
            number = error.lineno or 1
            line = lines[number - 1] if 0 < number <= len(lines) else ""
            readable = (
                self._without_newer(lines, number) if _NEWER.search("\n".join(lines[max(0, number - 4) : number])) else None
            )
            if readable is not None and sys.version_info < (3, 14):
                return readable
            where = f"{self.relative(path)}:{number}"
            raise DetectionError(
                f"syntax error: {error.msg}", where=where, hint="correct the line shown", detail=f"{number:>6} | {line}"
            ) from None
        except ValueError as error:
            raise DetectionError(f"not a Python file: {error}", where=self.relative(path)) from error

    @staticmethod
    def _without_newer(lines: list[str], number: int) -> ast.Module | None:
        """The module without the top-level statements that this Python cannot read, or None if that does not help."""
        lines = list(lines)
        for _ in range(20):
            starts = [at for at in range(min(number, len(lines))) if re.match(r"[^\s#)\]}]", lines[at])]
            begin = starts[-1] if starts else 0
            end = next((at for at in range(begin + 1, len(lines)) if re.match(r"[^\s#)\]}]", lines[at])), len(lines))
            lines[begin:end] = [""] * (end - begin)
            try:
                return ast.parse("\n".join(lines))
            except SyntaxError as error:
                number = error.lineno or 1
        return None

    def _usual(self) -> Iterator[Path]:
        for root in self.roots:
            for name in LIKELY:
                path = self.folder / root / f"{name}.py"
                if path.is_file():
                    yield path

    def _packages(self) -> Iterator[Path]:
        for root in self.roots:
            for folder in sorted((self.folder / root).iterdir()):
                usable = folder.name.isidentifier() and folder.name not in _NOT_PACKAGES and not folder.name.startswith(".")
                elsewhere = folder.name == "src" or (folder / "pyvenv.cfg").exists() or _project_of_its_own(folder)
                if usable and folder.is_dir() and not elsewhere:
                    yield folder

    def projects_inside(self) -> list[str]:
        """Folders that are projects of their own: their modules import each other from there, not from here."""
        found = (folder for folder in sorted(self.folder.iterdir()) if not folder.name.startswith("."))
        return [folder.name for folder in found if folder.is_dir() and _project_of_its_own(folder)]

    def _usual_in_packages(self) -> Iterator[Path]:
        for folder in self._packages():
            for name in _IN_PACKAGES:
                path = folder / f"{name}.py"
                if path.is_file():
                    yield path

    def _others(self) -> Iterator[Path]:
        for root in self.roots:
            yield from sorted(path for path in (self.folder / root).glob("*.py") if path.stem.isidentifier())

    def _others_in_packages(self) -> Iterator[Path]:
        for folder in self._packages():
            yield from sorted(path for path in folder.glob("*.py") if path.stem.isidentifier())
