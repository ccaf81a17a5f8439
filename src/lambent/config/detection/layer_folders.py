"""The folders that a project's layers are made of: on Lambda their modules are importable, from /opt/python."""

from __future__ import annotations

import os
from pathlib import Path

_DEPTH_MAX = 4
_SKIPPED = frozenset(("node_modules", "venv", "env", "site-packages", "tests", "test", "build", "dist", "cdk.out"))


def layer_folders(folder: Path) -> tuple[str, ...]:
    """Return what may be on the import path because of a layer, relative to the project's folder.

    That is each folder with "layer" in its name and those in it, and before each the folder `python` that it has, which is the
    part of a layer's zip that counts.
    """
    folders: list[str] = []
    for path, names, _ in os.walk(folder):
        relative = Path(path).relative_to(folder)
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in _SKIPPED)
        if len(relative.parts) >= _DEPTH_MAX:
            names.clear()
        is_layer = any("layer" in part.lower() for part in relative.parts[-2:])
        if is_layer and relative.name != "python":
            own = [relative / "python"] if "python" in names else []
            folders += [each.as_posix() for each in (*own, relative)]
    return tuple(folders)
