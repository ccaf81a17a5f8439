"""The name that an app gets if nobody names it: the project's or the folder's.

A folder such as backend/ has a name that says nothing outside of its repository, so the repository's comes before it.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from lambent import names
from lambent.config.identity import FOLDER, find_repository, project_identities
from lambent.config.project import Project
from lambent.errors import UsageError

_GENERIC = frozenset(
    [
        *("api", "app", "application", "apps", "back", "back-end", "backend", "django", "fastapi", "flask"),
        *("server", "service", "src", "web"),
    ]
)
_MARKERS = ("README.md", "README.rst", "package.json", "compose.yaml", "docker-compose.yml", "docker-compose.yaml")
"""Files of a project's top folder, for a copy without .git."""


class DefaultName(Struct, frozen=True):
    """A name and where it comes from. `former` is what the app was called before repositories counted, "" for the same."""

    name: str
    origin: str
    former: str = ""


def default_name(project: Project, suffix: str) -> DefaultName:
    """Return the name, with the suffix of a stage. Raises UsageError if there is no usable one."""
    folder = project.path.stem if project.path.is_file() else project.path.name
    for text, origin in ((project.name, f"{project.table_source} [project] name"), (folder, f"the folder {folder}")):
        name = names.to_app_name(text)
        if name in _GENERIC and (longer := _with_repository(project.folder, name)):
            return DefaultName(_shorten(longer, suffix), f"{origin} and its repository", _shorten(name, suffix))
        if name:
            return DefaultName(_shorten(name, suffix), origin)
    raise UsageError(f"can't derive a name from the folder {folder!r}", where=str(project.path), hint="--name my-app")


def _shorten(name: str, suffix: str) -> str:
    return name[: names.APP_MAX - len(suffix)].rstrip("-_") + suffix


def _with_repository(folder: Path, name: str) -> str:
    """Return a name with that of the folder's repository before it, "" if there is none with a name that says more."""
    root = find_repository(folder)
    remote, _, _ = project_identities(folder)[0].partition("//")
    if root is not None and not remote.startswith(FOLDER):
        repository, inside = names.to_app_name(remote.rpartition("/")[2]), folder != root
    else:
        top = root or _marked_folder(folder)
        repository, inside = names.to_app_name(top.name) if top is not None else "", True
    if not repository or repository in _GENERIC:
        return ""
    return f"{repository}-{name}" if inside else repository


def _marked_folder(folder: Path) -> Path | None:
    parent = folder.parent
    is_project = parent != Path.home() and any((parent / marker).is_file() for marker in _MARKERS)
    return parent if is_project else None
