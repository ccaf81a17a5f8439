"""Layers: what the store knows of them, and how several become one /opt."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field, to_builtins

Document = dict[str, Any]


class Layer(Struct):
    """One layer with its versions by number, in the shape of PublishLayerVersion's answer. `last_version` only grows.

    `policies` are the statements on a version, `revisions` the RevisionId of each policy.
    """

    region: str
    account: str
    name: str
    arn: str
    last_version: int = 0
    versions: dict[str, Document] = field(default_factory=dict)
    policies: dict[str, list[Document]] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=dict)


class Layers:
    """The layers of a state folder, in memory and written through. The owner of `database` sees to its locking."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.execute(
            "CREATE TABLE IF NOT EXISTS layers (region TEXT, name TEXT, document TEXT NOT NULL, PRIMARY KEY (region, name))"
        )
        found = (Layer(**json.loads(text)) for (text,) in database.execute("SELECT document FROM layers"))
        self._layers = {(layer.region, layer.name): layer for layer in found}

    def get(self, region: str, name: str) -> Layer | None:
        """The layer, to be changed by its owner and given to `save`."""
        return self._layers.get((region, name))

    def of(self, region: str) -> list[Layer]:
        """Those of a region that have a version, by name."""
        return [self._layers[key] for key in sorted(self._layers) if key[0] == region and self._layers[key].versions]

    def save(self, layer: Layer) -> None:
        """Makes it durable, then visible."""
        document = json.dumps(to_builtins(layer), separators=(",", ":"))
        self._database.execute("INSERT OR REPLACE INTO layers VALUES (?, ?, ?)", (layer.region, layer.name, document))
        self._layers[layer.region, layer.name] = layer

    def versions(self) -> Iterator[Document]:
        """Every version there is."""
        for layer in self._layers.values():
            yield from layer.versions.values()


def stack_name(names: Sequence[str]) -> str:
    """The name of the folder in which these, themselves names of folders, lie over each other: the same for the same."""
    return names[0] if len(names) == 1 else hashlib.sha256("/".join(names).encode()).hexdigest()


def merge(folders: Sequence[Path], into: Path) -> None:
    """Lays unpacked layers over each other, the last on top, as Lambda unpacks them into /opt. Files are linked, not copied."""
    into.mkdir()
    for folder in folders:
        for place, names, files in os.walk(folder):
            target = into / Path(place).relative_to(folder)
            _clear(target, only_files=True)
            target.mkdir(exist_ok=True)
            target.chmod(0o755)  # another user reads it, whatever the umask
            links = [name for name in names if Path(place, name).is_symlink()]
            for name in [*files, *links]:
                _put(Path(place, name), target / name)


def _put(source: Path, target: Path) -> None:
    _clear(target)
    if source.is_symlink():
        target.symlink_to(source.readlink())
    else:
        os.link(source, target)


def _clear(path: Path, *, only_files: bool = False) -> None:
    """A file takes the place of what a lower layer has there; a folder only that of a file, and else joins it."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir() and not only_files:
        for inner in path.iterdir():
            _clear(inner)
        path.rmdir()


def unpacked_size(folder: Path) -> int:
    """Bytes of the files in it."""
    return sum(Path(place, name).lstat().st_size for place, _, files in os.walk(folder) for name in files)
