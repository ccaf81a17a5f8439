"""What to do about a module that is missing from the zip."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

from msgspec import Struct

from lambent.module_packages import ADD, adding, known_requirement, requirement_for
from lambent.package.example_file import find_example
from lambent.package.project_files import packs

_SIMILAR = 0.8  # of 1: "helpers" and "helper", but not "flask" and "task"
_NOTHING: Mapping[str, str] = {}
_OWN_NAMES = frozenset(
    [
        *("util", "utils", "helper", "helpers", "common", "config", "configs", "constants", "settings", "lib", "libs", "core"),
        *("model", "models", "database", "db", "service", "services", "src", "backend", "schemas", "routes", "views"),
    ]
)
"""Modules that projects have themselves, whatever PyPI has under these names."""
_WITHOUT_PACKAGE = {"serverless_sdk": "remove this import and its uses: only what the Serverless Dashboard deploys has it"}
"""Modules that no package has, with what to do: the package `serverless-sdk` has another one."""
_FILE_ABOVE = re.compile(r" to ((?:\.\./)+)\S+\.txt$")


class Advice(Struct, frozen=True):
    """`add` says how to add a package, with {} for its requirement. `project` is the app's folder or script, if it is known."""

    add: str = ADD
    project: Path | None = None

    def for_module(self, module: str, own: Iterable[str], inner: Mapping[str, str] = _NOTHING) -> str:
        """Return the hint for a top-level module.

        `own` are the top-level modules of the project, and `inner` those in its packages: full names by their last part.
        """
        if left_out := self.for_left_out(module):
            return left_out
        if remedy := _WITHOUT_PACKAGE.get(module):
            return remedy
        names = sorted(own)
        if hyphenated := next((name for name in names if "-" in name and name.replace("-", "_") == module), ""):
            return f"rename {hyphenated}/ to {module}/: no import finds a folder with a hyphen"
        if not known_requirement(module):  # flask next to flaskr/ is no slip of the pen
            if similar := get_close_matches(module, [name for name in names if name.isidentifier()], 1, _SIMILAR):
                return f"did you mean {similar[0]}?"
            if similar := get_close_matches(module, inner, 1, _SIMILAR):
                return f"did you mean {inner[similar[0]]}?"
        if parent := self.providing_project(module):
            return self.adding_folder(parent)
        if module in _OWN_NAMES:
            return f"write {module}.py, or correct the import: no package is meant by this name; or check the ignore rules"
        return f"{self.adding(requirement_for(module))}; if it is your own module, check the ignore rules"

    def for_left_out(self, module: str) -> str:
        """Return the hint for an own module that the rules leave out of the zip, or ""."""
        if self.project is None or not self.project.is_dir():
            return ""
        for root in ("", "src/"):
            name = f"{root}{module.replace('.', '/')}"
            path = self.project / name
            is_package = any(path.glob("*.py"))
            if is_package or path.with_name(f"{path.name}.py").exists():
                file = f"{name}/" if is_package else f"{name}.py"
                return f"{_including(file)}: .gitignore or .lambentignore leaves {file} out"
            file, is_named = f"{name}.py", path.parent.is_dir() and not known_requirement(module)
            example = find_example(self.project, file) if is_named else ""
            copy = f"cp {example} {file}" if example else ""
            if is_named and not packs(self.project, file):
                return f"{copy or f'create {file}'}, and set {_including(file)}: .gitignore or .lambentignore leaves it out"
            if copy:
                return copy
        return ""

    def adding(self, *requirements: str) -> str:
        """Return how to add requirements."""
        return adding(self.add, *requirements)

    def adding_folder(self, path: str) -> str:
        """Return how to require the project at a path. The dependencies of a pyproject.toml are names, so uv gets its path."""
        if self.project is not None and (above := _FILE_ABOVE.search(self.add)):  # paths start from the file's folder
            path = os.path.relpath(self.project / path, self.project / above[1])
        if "[project] dependencies" not in self.add or self.project is None:
            return self.adding(path)
        name = _project_name((self.project / path).resolve())
        return f'{self.adding(name)}, and {name} = {{ path = "{path}" }} to [tool.uv.sources]'

    def providing_project(self, module: str) -> str:
        """Return the path from the project's folder to a project above it that has this module, or ""."""
        if self.project is None or not self.project.is_dir() or (self.project / ".git").exists():
            return ""
        for folder in self.project.parents:
            is_project = (folder / "pyproject.toml").exists() or (folder / "setup.py").exists()
            if is_project and any(_has_module(root, module) for root in (folder, folder / "src")):
                return os.path.relpath(folder, self.project)
            if (folder / ".git").exists():
                break
        return ""


DEFAULT = Advice()
"""Advice for a zip of which nothing but the content is known."""


def _including(pattern: str) -> str:
    return f'include = ["{pattern}"] under [tool.lambent] in pyproject.toml'


def _project_name(folder: Path) -> str:
    """Return a project's name in its pyproject.toml, or that of its folder."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8")).get("project", {})
    except (OSError, ValueError):
        project = {}
    return str(project.get("name", folder.name))


def _has_module(folder: Path, module: str) -> bool:
    return (folder / module / "__init__.py").is_file() or (folder / f"{module}.py").is_file()
