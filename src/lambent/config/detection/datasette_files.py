"""Files by which a folder says that Datasette serves it."""

from __future__ import annotations

import re
from pathlib import Path

from lambent.config.detection.project_text import read_text
from lambent.errors import DetectionError

METADATA = ("metadata.json", "metadata.yaml", "metadata.yml")
_MENTIONS = ("requirements.txt", "pyproject.toml", "Dockerfile", "Procfile", "run.sh", "entrypoint.sh", "README.md")


def is_for_datasette(folder: Path) -> bool:
    """Return whether a folder has Datasette's metadata or plugins, and one of its other files mentions Datasette."""
    if not any((folder / name).exists() for name in (*METADATA, "plugins")):
        return False
    return any(re.search(r"\bdatasette\b", read_text(folder / name)) for name in _MENTIONS)


class NoDatabaseError(DetectionError):
    """A folder for Datasette that has no app of its own."""


def no_database_error(folder: Path) -> NoDatabaseError:
    """Return the error for a folder that Datasette serves, with an app that serves whatever is in it."""
    hint = (
        "make its database here, such as data.db, and deploy again\nor write app.py, which serves what is here:\n"
        "from pathlib import Path\n\nfrom datasette.app import Datasette\n\n"
        "app = Datasette([], config_dir=Path(__file__).parent).app()"
    )
    return NoDatabaseError("no app found: the folder is for Datasette, and has no database", where=str(folder), hint=hint)
