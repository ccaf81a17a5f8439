"""The name that an app gets by default: the project's or the folder's.

A folder such as backend/ or chapter01/ has a name that says nothing outside of its repository, so that of the repository's
remote and the folders on the way come before it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path

from msgspec import Struct

from lambent import names
from lambent.config.identity import FOLDER, find_repository, project_identities
from lambent.config.project import Project
from lambent.errors import UsageError

_GENERIC_NAMES = """
    api app application apps back back-end backend code core django fastapi flask function functions handler handlers lambda
    lambda-function lambda_function lambdas main mysite project python server service services site source src web website
    demo example examples sample samples
"""
_STEP_NAMES = "after before begin complete completed end final finished solution solutions start starter"
_STEPS = frozenset(_STEP_NAMES.split())
_GENERIC = frozenset(_GENERIC_NAMES.split()) | _STEPS
_NUMBERED = re.compile(
    r"(?i)(?:ch|chap|chapter|day|ex|exercise|example|lab|lecture|lesson|module|part|section|step|unit|v|video|week)?[-_]?\d+[a-z]?"
)


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
        is_generic = _is_generic(name) or any(map(_is_step, _folders_above(project.folder)))
        if name and is_generic and (longer := _with_repository(project.folder, name, suffix)) != name:
            return DefaultName(_shorten(longer, suffix), f"{origin} and its repository", _shorten(name, suffix))
        if name:
            return DefaultName(_shorten(name, suffix), origin)
    if not folder:
        raise UsageError(f"can't derive a name from the folder {folder!r}", where=str(project.path), hint="--name my-app")
    digest = hashlib.sha256(unicodedata.normalize("NFC", folder).encode("utf-8", "surrogateescape")).hexdigest()
    return DefaultName(f"app-{digest[:6]}{suffix}", f"the folder {folder}, whose letters AWS doesn't take")


def _shorten(name: str, suffix: str) -> str:
    return name[: names.APP_MAX - len(suffix)].rstrip("-_") + suffix


def _is_generic(name: str) -> bool:
    return name in _GENERIC or _is_step(name)


def _is_step(name: str) -> bool:
    """Return whether a folder is one of several that have the same folders below: ch01/final/shop and ch02/final/shop."""
    return name in _STEPS or _NUMBERED.fullmatch(name) is not None


def _folders_above(folder: Path) -> list[str]:
    """Return the names of the folders between a folder and the top of its repository."""
    root = find_repository(folder)
    return [] if root in (None, folder) else [names.to_app_name(part) for part in folder.relative_to(root).parts[:-1]]


def _with_repository(folder: Path, name: str, suffix: str) -> str:
    """Return a name with that of the repository's remote and the folders on the way before it, as far as there is room.

    Without a remote the repository has no name: other checkouts would give other ones.
    """
    root = find_repository(folder)
    if root is None:
        return name
    remote, _, _ = project_identities(folder)[0].partition("//")
    repository = "" if remote.startswith(FOLDER) else names.to_app_name(remote.rpartition("/")[2])
    if folder == root:
        return name if _is_generic(repository) or not repository else repository
    parts = [repository, *_folders_above(folder), name]
    parts = [part for part, following in zip(parts, [*parts[1:], ""], strict=True) if part and part != following]
    while len(parts) > 1 and len("-".join(parts)) > names.APP_MAX - len(suffix):
        del parts[0]
    return "-".join(parts)
