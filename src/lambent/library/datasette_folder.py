"""A folder that Datasette serves: databases next to its metadata, plugins, templates and static files.

The names are those of Datasette's own configuration directory (https://docs.datasette.io/en/stable/settings.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from lambent.config.databases import SUFFIXES, is_database
from lambent.config.detection.datasette_files import METADATA, NoDatabaseError, is_for_datasette
from lambent.config.detection.detect import find_app
from lambent.config.project import Project, find_project
from lambent.errors import DetectionError, UsageError
from lambent.lazy import LazyModule
from lambent.library.datasette_options import DatasetteOptions

if TYPE_CHECKING:
    from packaging import requirements
else:
    requirements = LazyModule("packaging.requirements")  # few folders are for Datasette

_COMMENT = re.compile(r"(^|\s)#.*$")


class DatasetteFolder(Struct, frozen=True):
    """The first database of a folder, and how Datasette serves it: with the others, if there are any."""

    database: Path
    options: DatasetteOptions

    @property
    def description(self) -> str:
        databases = ", ".join(path.name for path in (self.database, *self.options.databases))
        return f"the folder is for Datasette, which serves {databases}"


def read_datasette_folder(path: Path) -> DatasetteFolder | None:
    """Return what a folder has for Datasette, None without a database, or if it has an app or settings of its own."""
    databases = _databases(path) if path.is_dir() and is_for_datasette(path) else []
    if not databases:
        return None
    project = find_project(path)
    if project.table or not _has_no_app(project):
        return None
    folders = {name: path / name if (path / name).is_dir() else None for name in ("templates", "plugins", "static")}
    options = DatasetteOptions(
        databases=tuple(databases[1:]),
        metadata=next((path / name for name in METADATA if (path / name).is_file()), None),
        install=tuple(_requirements(project)),
        template_dir=folders["templates"],
        plugins_dir=folders["plugins"],
        static=(("static", folders["static"]),) if folders["static"] else (),
    )
    return DatasetteFolder(databases[0], options)


def _databases(folder: Path) -> list[Path]:
    paths = (*sorted(folder.glob("*")), *sorted(folder.glob("data/*")))
    return [path for path in paths if path.suffix.lower() in SUFFIXES and _is_readable(path)]


def _is_readable(path: Path) -> bool:
    try:
        return is_database(path)
    except UsageError:
        return False


def _has_no_app(project: Project) -> bool:
    """Return whether nothing here is an app, also none that can't be deployed: its databases are not for the public."""
    try:
        find_app(project)
    except NoDatabaseError:
        return True
    except DetectionError:
        return False
    return False


def _requirements(project: Project) -> Iterator[str]:
    """Yield the packages that the folder requires, among them the plugins."""
    file = project.folder / "requirements.txt"
    lines = file.read_text("utf-8-sig", "replace").splitlines() if file.is_file() else ()
    for line in lines or project.pyproject.get("project", {}).get("dependencies", ()):
        text = _COMMENT.sub("", line).strip()
        try:
            requirements.Requirement(text)
        except requirements.InvalidRequirement:  # an option, or a folder
            continue
        yield text
