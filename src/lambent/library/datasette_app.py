"""Datasette with databases that never change: the `app.py` of what `lambent deploy data.db` builds, next to `options.json`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from datasette.app import Datasette
from datasette.utils import parse_metadata

FOLDER = Path(__file__).parent
OPTIONS = json.loads((FOLDER / "options.json").read_text("utf-8"))


def find(name: str) -> str:
    """Return the path of a database: next to this file, or where a new environment downloads what is too large for the zip."""
    for folder in (FOLDER, *map(Path, sys.path)):
        if (folder / name).is_file():
            return str(folder / name)
    raise FileNotFoundError(name)


def read_metadata() -> dict[str, Any]:
    """Return the metadata file with what the options add."""
    file = OPTIONS["metadata_file"]
    metadata: dict[str, Any] = parse_metadata((FOLDER / file).read_text("utf-8")) if file else {}
    plugins = metadata.get("plugins", {})
    for plugin, settings in OPTIONS["plugins"].items():
        plugins = {**plugins, plugin: {**plugins.get(plugin, {}), **settings}}
    return {**metadata, **OPTIONS["metadata"], **({"plugins": plugins} if plugins else {})}


app = Datasette(
    immutables=[find(name) for name in OPTIONS["databases"]],
    inspect_data=OPTIONS["inspect_data"],  # with it, no start counts rows
    metadata=read_metadata(),
    cors=True,  # as `datasette publish` has it
    crossdb=OPTIONS["crossdb"],
    settings=OPTIONS["settings"],
    template_dir=str(FOLDER / "templates") if (FOLDER / "templates").is_dir() else None,
    plugins_dir=str(FOLDER / "plugins") if (FOLDER / "plugins").is_dir() else None,
    static_mounts=[(mount, str(FOLDER / folder)) for mount, folder in OPTIONS["static"].items()],
    secret=os.environ["DATASETTE_SECRET"],
    version_note=OPTIONS["version_note"],
).app()
