"""The name that an app gets by default: the project's or the folder's.

A folder such as backend/ has a name that says nothing outside of its repository, so that of the repository's remote comes
before it.
"""

from __future__ import annotations

import hashlib
import unicodedata
from pathlib import Path

from msgspec import Struct

from lambent import names
from lambent.config.identity import FOLDER, find_repository, project_identities
from lambent.config.project import Project
from lambent.errors import UsageError

_GENERIC_NAMES = """
    api app application apps back back-end backend code core django fastapi flask function functions handler handlers lambda
    lambda-function lambda_function lambdas main mysite project python server service site source src web website
"""
_GENERIC = frozenset(_GENERIC_NAMES.split())


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
    if not folder:
        raise UsageError(f"can't derive a name from the folder {folder!r}", where=str(project.path), hint="--name my-app")
    digest = hashlib.sha256(unicodedata.normalize("NFC", folder).encode("utf-8", "surrogateescape")).hexdigest()
    return DefaultName(f"app-{digest[:6]}{suffix}", f"the folder {folder}, of which AWS takes no letter")


def _shorten(name: str, suffix: str) -> str:
    return name[: names.APP_MAX - len(suffix)].rstrip("-_") + suffix


def _with_repository(folder: Path, name: str) -> str:
    """Return a name with that of the repository's remote before it, "" if there is none with a name that says more.

    Without a remote, other checkouts would give other names.
    """
    remote, _, _ = project_identities(folder)[0].partition("//")
    if remote.startswith(FOLDER):
        return ""
    repository = names.to_app_name(remote.rpartition("/")[2])
    if folder == find_repository(folder):
        return "" if repository in _GENERIC else repository
    return f"{repository}-{name}" if repository not in ("", name) else ""
