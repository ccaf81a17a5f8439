"""How Datasette serves databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct, field


class DatasetteOptions(Struct, frozen=True):
    """What Datasette serves besides the first database, and how.

    `metadata` is a JSON or YAML file; `extra_metadata` and `plugin_settings` (by plugin) go on top of it. `install` are lines
    of a requirements file, the first of which may be Datasette itself. `static` are pairs of a mount point and a folder.
    """

    databases: tuple[Path, ...] = ()
    metadata: Path | None = None
    install: tuple[str, ...] = ()
    template_dir: Path | None = None
    plugins_dir: Path | None = None
    static: tuple[tuple[str, Path], ...] = ()
    extra_metadata: dict[str, str] = field(default_factory=dict)
    plugin_settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    crossdb: bool = False
    version_note: str | None = None
