"""The project a path belongs to: its folder, its tables, and the one file that was named, if one was."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from lambent.config import script_metadata
from lambent.errors import UsageError

_MARKS = ("pyproject.toml", "requirements.txt", "uv.lock", ".git")


class Project(Struct, frozen=True):
    """`path` is what gets packed (a folder, or a script that brings its own metadata); `file` the one file to look at.

    `table` is `[tool.lambent]`, from `table_source` ("pyproject.toml", or the script's name); `name` is the project's own.
    """

    path: Path
    file: Path | None = None
    table: dict[str, Any] = field(default_factory=dict)
    table_source: str = "pyproject.toml"
    name: str = ""
    requires_python: str = ""

    @property
    def folder(self) -> Path:
        return self.path.parent if self.path.is_file() else self.path


def locate(path: Path) -> Project:
    """The project of a folder or of a Python file. Raises UsageError when there is no such thing, or its TOML is broken."""
    if not path.exists():
        raise UsageError(f"no such file or folder: {path}", hint="lambent deploy PATH, a project's folder or a Python file")
    path = path.resolve()
    if path.is_dir():
        return _of_folder(path, None)
    if path.suffix != ".py":
        raise UsageError(f"not a Python file: {path.name}", where=str(path), hint=f"lambent deploy {path.parent}")
    table = script_metadata.read(path)
    if table is not None:
        tool = _table(table.get("tool", {}), "tool.lambent", path.name)
        return Project(path, path, tool, path.name, path.stem, str(table.get("requires-python", "")))
    return _of_folder(_folder_of(path), path)


def _of_folder(folder: Path, file: Path | None) -> Project:
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
    tool = _table(_table(table, "tool", pyproject.name), "tool.lambent", pyproject.name)
    project = _table(table, "project", pyproject.name)
    return Project(folder, file, tool, pyproject.name, str(project.get("name", "")), str(project.get("requires-python", "")))


def _folder_of(file: Path) -> Path:
    """The project's folder for a file named by itself: above its package, and above src/ where that is what marks say."""
    root = file.parent
    while (root / "__init__.py").exists():
        root = root.parent
    if not _marked(root) and root.name == "src" and _marked(root.parent):
        return root.parent
    return root


def _marked(folder: Path) -> bool:
    return any((folder / mark).exists() for mark in _MARKS)


def _table(parent: dict[str, Any], name: str, source: str) -> dict[str, Any]:
    """The table of this dotted name, by its last part."""
    table = parent.get(name.rpartition(".")[2], {})
    if not isinstance(table, dict):
        raise UsageError(f"{name} must be a table", where=source, hint=f"[{name}]")
    return table
