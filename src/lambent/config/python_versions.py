"""The Python versions that a project's own files ask for: ranges that must hold, and a version that a file names.

A range comes from requires-python, from Poetry's dependencies, from a lock or from setup.py. A version file (.python-version,
.tool-versions, mise.toml, runtime.txt, Pipfile), or else what deploys the project (a SAM template, a Dockerfile), says what it
was last run on: a preference, since Lambda may not have it any more. Workflows don't count: they may test several Pythons.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from lambent.config import poetry_notation
from lambent.config.detection.dockerfile import DOCKERFILES, parse_python_version
from lambent.config.detection.function_files import SERVERLESS, TEMPLATES
from lambent.config.project import Project
from lambent.errors import UsageError
from lambent.lazy import LazyModule

if TYPE_CHECKING:
    from packaging import specifiers
else:
    specifiers = LazyModule("packaging.specifiers")  # slow to import, and most projects have no constraint

_RANGES = (
    ("uv.lock", r'^requires-python = "([^"]+)"'),
    ("pylock.toml", r'^requires-python = "([^"]+)"'),
    ("pdm.lock", r'^requires_python = "([^"]+)"'),
    ("poetry.lock", r'^\[metadata\]\n(?:.*\n)*?python-versions = "([^"]+)"'),
    ("setup.cfg", r"^python_requires\s*=\s*([<>=!~\d][^#\n]*)"),
    ("setup.py", r"""\bpython_requires["']?\s*[=:]\s*(["'][^"']+["']|[A-Za-z_]\w*)"""),
)
"""Files other than pyproject.toml, and where each says which Pythons it is for. Locks may be large, so they aren't parsed."""

_MISE = r"""^python\s*=\s*\[?\s*(?:\{[^\n}]*\bversion\s*=\s*)?["'](\d\.\d+)\b"""
_VERSION_FILES = (
    (".python-version", r"^\s*(?:cpython@?-?|python-?)?(\d\.\d+)\b"),
    (".tool-versions", r"^\s*python\s+(\d\.\d+)\b"),
    ("mise.toml", _MISE),
    (".mise.toml", _MISE),
    ("runtime.txt", r"^\s*(?:python-?)?(\d\.\d+)\b"),
    ("Pipfile", r"""^python(?:_full)?_version\s*=\s*["'](\d\.\d+)\b"""),
)
"""Files that name versions, the one that counts first, with the pattern of a version in them."""
_DEPLOYMENT_FILES = (
    *((name, r"""^\s*["']?Runtime["']?:\s*["']?python(\d\.\d+)\b""") for name in TEMPLATES),
    *((name, r"""^\s*["']?runtime["']?:\s*["']?python(\d\.\d+)\b""") for name in SERVERLESS),
    ("zappa_settings.json", r'"runtime":\s*"python(\d\.\d+)"'),
    *((name, "") for name in DOCKERFILES),
    ("render.yaml", r"""\bkey:\s*PYTHON_VERSION\s+value:\s*["']?(\d\.\d+)\b"""),
    ("app.yaml", r"""^runtime:\s*["']?python(\d\.?\d+)\b"""),
    *((f"environment.{suffix}", r"^\s*-\s*(?:[\w-]+::)?python\s*==?\s*(\d\.\d+)\b") for suffix in ("yml", "yaml")),
)
"""Files of what deploys the project, which name versions too. Dockerfiles are parsed."""


class VersionRange(Struct, frozen=True):
    """The Python versions that a file of the project allows, as `text`. `is_poetry` says that it is in Poetry's notation."""

    source: str
    text: str
    is_poetry: bool = False

    def allows(self, python: str) -> bool:
        """Return whether any patch release is allowed: ">=3.12.4" allows 3.12, "<3.13" does not allow 3.13."""
        mentioned = {int(number) for number in re.findall(r"\d+\.\d+\.(\d+)", self.text)}
        patches = {0, 99, *mentioned, *(number + 1 for number in mentioned), *(number - 1 for number in mentioned if number)}
        versions = [f"{python}.{patch}" for patch in sorted(patches)]
        if self.is_poetry:
            return any(poetry_notation.allows(self.text, version) for version in versions)
        allowed = specifiers.SpecifierSet(self.text)
        return any(allowed.contains(version, prereleases=True) for version in versions)

    def __str__(self) -> str:
        return f"{self.source} is {self.text}"


class NamedVersion(Struct, frozen=True):
    """The minor versions of Python ("3.12") that a file names, in its order. pyenv's may have several.

    `is_wish` says that people keep the file for this purpose. What deploys the project may name a Python for no other reason
    than that it was new then.
    """

    source: str
    pythons: tuple[str, ...]
    is_wish: bool = True


def read_range(project: Project) -> VersionRange | None:
    """Return the range that must hold, or None. A lock repeats that of its project, so it counts where the project has none.

    Raises UsageError for a requires-python that can't be read.
    """
    if text := project.requires_python:
        return VersionRange("requires-python", text, not _is_valid(text) and _is_poetry_notation(project))
    if python := _poetry_python(project):
        return VersionRange("[tool.poetry.dependencies] python", python, is_poetry=True)
    return None if project.path.is_file() else _read_range_of_file(project.folder)


def _is_poetry_notation(project: Project) -> bool:
    """Return whether a requires-python that isn't valid is Poetry's "^3.10". Only with its lock: uv can't read it.

    Raises UsageError for another one.
    """
    text = project.requires_python
    translated = poetry_notation.to_specifier(poetry_notation.newest_alternative(text))
    if _is_valid(translated) and (project.folder / "poetry.lock").is_file():
        return True
    where = f"{project.table_source} requires-python"
    lone = re.fullmatch(r"(\d+(?:\.\d+)+)\+?", text.strip())
    fixed = f">={lone[1]}" if lone else translated if translated and _is_valid(translated) else ">=3.11"
    raise UsageError(f"invalid version range: {text}", where=where, hint=f'requires-python = "{fixed}"')


def _poetry_python(project: Project) -> str:
    """Return the Python versions that a pyproject.toml of Poetry's own form allows, in its notation."""
    table: Any = project.pyproject
    for key in ("tool", "poetry", "dependencies", "python"):
        table = table.get(key, "") if isinstance(table, dict) else ""
    return table if isinstance(table, str) else ""


def _read_range_of_file(folder: Path) -> VersionRange | None:
    for name, pattern in _RANGES:
        text = _search(folder / name, pattern).strip()
        if name == "setup.py" and text:
            text = _constant(folder / name, text)
        is_poetry = name == "poetry.lock"
        if text and (is_poetry or _is_valid(text)):
            return VersionRange(name, text, is_poetry)
    return None


def read_named_version(project: Project) -> NamedVersion | None:
    """Return the Pythons that the first of the project's version files names."""
    if project.path.is_file():
        return None
    for name, pattern in (*_VERSION_FILES, *_DEPLOYMENT_FILES):
        text = _read(project.folder / name)
        pythons = re.findall(pattern, text, re.MULTILINE) if pattern else filter(None, [parse_python_version(text)])
        if versions := tuple(dict.fromkeys(f"{python[0]}.{python[1:].lstrip('.')}" for python in pythons)):
            return NamedVersion(name, versions, is_wish=(name, pattern) in _VERSION_FILES)
    return None


def _is_valid(text: str) -> bool:
    try:
        specifiers.SpecifierSet(text)
    except specifiers.InvalidSpecifier:
        return False
    return True


def _search(path: Path, pattern: str) -> str:
    match = re.search(pattern, _read(path), re.MULTILINE)
    return match[1] if match else ""


def _constant(path: Path, value: str) -> str:
    """Return the text of a value in Python, a literal or the name of a constant ("REQUIRES_PYTHON") of the file. Else ""."""
    return value.strip("\"'") if value[0] in "\"'" else _search(path, rf"""^{value}\s*=\s*["']([^"']+)["']""")


def _read(path: Path) -> str:
    """Return a file's text, "" if there is none. PowerShell's `>` writes UTF-16, and its editors put a mark before UTF-8."""
    try:
        data = path.read_bytes()
    except OSError:
        return ""
    return data.decode("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig", "replace")
