"""The project that a path belongs to: its folder, its settings and its own metadata."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from lambent.config import script_metadata
from lambent.config.databases import is_database
from lambent.config.model import App
from lambent.errors import UsageError

_ROOT_MARKERS = ("pyproject.toml", "requirements.txt", "uv.lock", ".git")


class Project(Struct, frozen=True):
    """A project to deploy.

    `path` is what goes into the zip: a folder, or a single script with inline metadata. `file` is the file the user named, if
    it was one. `table` is `[tool.lambent]`, read from `table_source` ("pyproject.toml" or the name of the script). `name` and
    `requires_python` come from `[project]`. `pyproject` is all of pyproject.toml.
    """

    path: Path
    file: Path | None = None
    table: dict[str, Any] = field(default_factory=dict)
    table_source: str = "pyproject.toml"
    name: str = ""
    requires_python: str = ""
    pyproject: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.path.parent if self.path.is_file() else self.path


def find_project(path: Path) -> Project:
    """Return the project of a folder, a Python file or a database. Raises UsageError for a missing path or invalid TOML."""
    if not path.exists():
        raise UsageError(f"no such file or folder: {path}", hint="pass the folder of a project, a Python file or a database")
    if is_database(path):
        database = path.parent.resolve() / path.name  # the name of a link is the one that the user chose
        return Project(database, database)
    path = path.resolve()
    if path.is_dir():
        return _read_project(path, None)
    if path.suffix != ".py":
        raise UsageError(f"not a Python file: {path.name}", where=str(path), hint=f"lambent deploy {path.parent}")
    metadata = script_metadata.read(path)
    if metadata is not None:
        table = _subtable(metadata.get("tool", {}), "tool.lambent", path.name)
        return Project(path, path, table, path.name, path.stem, str(metadata.get("requires-python", "")))
    return _read_project(_find_folder(path), path)


def with_script_range(project: Project, app: App) -> Project:
    """Return a project that says nothing about Python with the range of the inline metadata in its app's file."""
    if project.requires_python or project.path.is_file():
        return project
    file = project.path / app.root / f"{app.module.replace('.', '/')}.py"
    python = str((script_metadata.read(file) or {}).get("requires-python", ""))
    return replace(project, requires_python=python, table_source=file.name) if python else project


def _read_project(folder: Path, file: Path | None) -> Project:
    pyproject = folder / "pyproject.toml"
    if not pyproject.is_file():
        return Project(folder, file)
    try:
        table = tomllib.loads(pyproject.read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise UsageError("pyproject.toml is not UTF-8", where=str(pyproject)) from error
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        where = f"{pyproject}:{line[1]}" if line else str(pyproject)
        raise UsageError(f"pyproject.toml is not valid TOML: {error}", where=where) from error
    tool = _subtable(_subtable(table, "tool", pyproject.name), "tool.lambent", pyproject.name)
    project = _subtable(table, "project", pyproject.name)
    name, requires_python = str(project.get("name", "")), str(project.get("requires-python", ""))
    return Project(folder, file, tool, pyproject.name, name, requires_python, table)


def _find_folder(file: Path) -> Path:
    """Return the project folder of a file: the one above its package, and above src/ if only that one looks like a project."""
    root = file.parent
    while (root / "__init__.py").exists():
        root = root.parent
    if root.name == "src" and not _is_project_root(root) and _is_project_root(root.parent):
        return root.parent
    return root


def _is_project_root(folder: Path) -> bool:
    return any((folder / marker).exists() for marker in _ROOT_MARKERS)


def _subtable(parent: dict[str, Any], name: str, source: str) -> dict[str, Any]:
    """Return the table with this dotted name, whose last part is its key in `parent`."""
    table = parent.get(name.rpartition(".")[2], {})
    if not isinstance(table, dict):
        raise UsageError(f"{name} must be a table", where=source, hint=f"[{name}]")
    return table
