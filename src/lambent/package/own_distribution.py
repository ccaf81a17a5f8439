"""The project as an installed distribution: its metadata and entry points.

An app may ask for its own version (`importlib.metadata.version("shop")`), or find its plug-ins by their entry points, which
works wherever it is installed. In the zip it isn't, so lambent adds the `.dist-info` folder. What pyproject.toml states is
written from it; what only a build can tell (a setup.py, a version from git tags) is built.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from lambent.config.own_package import is_installable
from lambent.lazy import LazyModule
from lambent.package.build_context import BuildContext
from lambent.package.layout import SourceFile
from lambent.package.requirements.toml_file import read_toml

if TYPE_CHECKING:
    from lambent.package import built_metadata
else:  # a build backend runs only for a project that has changed
    built_metadata = LazyModule("lambent.package.built_metadata")

_USES_METADATA = re.compile(rb"importlib(?:[._]|\s+import\b[^\n]*\b)metadata|pkg_resources|entry_points")
_VERSION = r"""^(?:__version__|VERSION|version)\s*(?::[^=\n]+)?=\s*["']([^"'\n]+)["']"""
_SETUP_FILES = ("setup.py", "setup.cfg")


class Distribution(Struct, frozen=True):
    """A project's name and version, its entry points by group, and the other fields of its metadata."""

    name: str
    version: str
    entry_points: dict[str, dict[str, str]]
    fields: tuple[tuple[str, str], ...] = ()

    def files(self) -> dict[str, str]:
        """Return the text of each file of its `.dist-info` folder, by its path in the zip."""
        folder = f"{re.sub(r'[-_.]+', '_', self.name)}-{self.version.replace('-', '_')}.dist-info"
        lines = [f"{name}: {value}" for name, value in (("Name", self.name), ("Version", self.version), *self.fields)]
        files = {f"{folder}/METADATA": "\n".join(["Metadata-Version: 2.1", *lines, ""])}
        groups = [
            f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in entries.items())
            for group, entries in self.entry_points.items()
            if entries
        ]
        return files | ({f"{folder}/entry_points.txt": "\n".join(groups)} if groups else {})


def metadata_files(context: BuildContext, sources: Mapping[str, SourceFile]) -> dict[str, SourceFile]:
    """Return the files of the project's own `.dist-info` folder. `sources` are the project's files."""
    project = context.config.path
    if project.is_file():
        return {}
    distribution = read_distribution(project)
    if distribution is not None:
        texts = distribution.files()
    elif is_installable(project) and _uses_metadata(sources):
        texts = built_metadata.files(context)
    else:
        return {}
    return {name: SourceFile.generated(name, text.encode()) for name, text in texts.items()}


def read_distribution(project: Path) -> Distribution | None:
    """Return what a pyproject.toml states, or None if it doesn't state a name and a version."""
    table = read_toml(project / "pyproject.toml") or {}
    poetry = table.get("tool", {}).get("poetry", {})
    standard = table.get("project", {})
    name = standard.get("name") or poetry.get("name")
    version = standard.get("version") or _dynamic_version(project, table) or poetry.get("version")
    if not name or not version or "entry-points" in standard.get("dynamic", ()) or "scripts" in standard.get("dynamic", ()):
        return None
    groups = {
        "console_scripts": {**_texts(poetry.get("scripts", {})), **standard.get("scripts", {})},
        "gui_scripts": standard.get("gui-scripts", {}),
        **{group: _texts(entries) for group, entries in poetry.get("plugins", {}).items()},
        **standard.get("entry-points", {}),
    }
    return Distribution(str(name), str(version), groups, tuple(_fields(standard or poetry)))


def _texts(entries: Mapping[str, Any]) -> dict[str, str]:
    """Return the entry points that are written as text. Poetry may have tables for scripts that are files."""
    return {name: target for name, target in entries.items() if isinstance(target, str)}


def _fields(project: Mapping[str, Any]) -> list[tuple[str, str]]:
    fields = [("Summary", " ".join(str(project["description"]).split()))] if project.get("description") else []
    if "requires-python" in project:
        fields.append(("Requires-Python", str(project["requires-python"])))
    if isinstance(dependencies := project.get("dependencies", ()), list):
        fields += [("Requires-Dist", line) for line in dependencies]
    return fields


def _dynamic_version(project: Path, table: Mapping[str, Any]) -> str:
    """Return a version that pyproject.toml takes from a file, or "" if only a build can tell it."""
    if "version" not in table.get("project", {}).get("dynamic", ()):
        return ""
    tool = table.get("tool", {})
    setuptools = tool.get("setuptools", {}).get("dynamic", {}).get("version", {})
    paths = [tool.get("hatch", {}).get("version", {}).get("path"), tool.get("pdm", {}).get("version", {}).get("path")]
    if attribute := setuptools.get("attr"):
        module = attribute.rpartition(".")[0].replace(".", "/")
        paths += [f"{root}{module}{suffix}" for root in ("", "src/") for suffix in (".py", "/__init__.py")]
    if table.get("build-system", {}).get("build-backend") == "flit_core.buildapi":
        module = table["project"]["name"].replace("-", "_")
        paths += [f"{root}{module}{suffix}" for root in ("", "src/") for suffix in (".py", "/__init__.py")]
    for path in filter(None, paths):
        if match := re.search(_VERSION, _read(project / path), re.MULTILINE):
            return match[1]
    files = setuptools.get("file", ())
    return _read(project / (files if isinstance(files, str) else files[0])).strip() if files else ""


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig", "replace")
    except OSError:
        return ""


def _uses_metadata(sources: Mapping[str, SourceFile]) -> bool:
    """Return whether the project has entry points, or its modules ask for metadata."""
    return any(
        _USES_METADATA.search(file.read()) for name, file in sources.items() if name.endswith(".py") or name in _SETUP_FILES
    )
