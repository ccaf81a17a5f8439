"""Layers and their versions, as the store keeps them."""

from __future__ import annotations

from typing import Any

from msgspec import field

from lambent.local.document_table import Resource


class Layer(Resource):
    """One layer. `versions` are by number, in the shape of PublishLayerVersion's response.

    `last_version` only grows. `policies` are the statements on each version, `revisions` the RevisionId of each policy.
    """

    last_version: int = 0
    versions: dict[str, dict[str, Any]] = field(default_factory=dict)
    policies: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=dict)
