"""Layers and their versions, as the store keeps them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field, to_builtins

Document = dict[str, Any]


class Layer(Struct):
    """One layer. `versions` are by number, in the shape of PublishLayerVersion's response.

    `last_version` only grows. `policies` are the statements on each version, `revisions` the RevisionId of each policy.
    """

    region: str
    account: str
    name: str
    arn: str
    last_version: int = 0
    versions: dict[str, Document] = field(default_factory=dict)
    policies: dict[str, list[Document]] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=dict)


class LayerStore:
    """The layers of a state folder, in memory and written through. The owner of `database` is responsible for locking."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.execute(
            "CREATE TABLE IF NOT EXISTS layers (region TEXT, name TEXT, document TEXT NOT NULL, PRIMARY KEY (region, name))"
        )
        layers = (Layer(**json.loads(text)) for (text,) in database.execute("SELECT document FROM layers"))
        self._layers = {(layer.region, layer.name): layer for layer in layers}

    def get(self, region: str, name: str) -> Layer | None:
        """Return the layer. After changing it, pass it to `save`."""
        return self._layers.get((region, name))

    def in_region(self, region: str) -> list[Layer]:
        """Return the layers of a region that have a version, by name."""
        return [self._layers[key] for key in sorted(self._layers) if key[0] == region and self._layers[key].versions]

    def save(self, layer: Layer) -> None:
        """Make the layer durable, then visible."""
        document = json.dumps(to_builtins(layer), separators=(",", ":"))
        self._database.execute("INSERT OR REPLACE INTO layers VALUES (?, ?, ?)", (layer.region, layer.name, document))
        self._layers[layer.region, layer.name] = layer

    def versions(self) -> Iterator[Document]:
        """Return every version of every layer."""
        for layer in self._layers.values():
            yield from layer.versions.values()
