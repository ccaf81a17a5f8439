"""Where what a failed start of an app has shown is remembered for later builds."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lambent.config.model import Config


def record_path(kind: str, config: Config, cache: Path) -> Path:
    """Return the file in the cache for what is remembered of a kind ("corrections") about an app."""
    name = f"{kind} {config.path.resolve()} {config.app.spec}"
    return cache / "locks" / f"{hashlib.sha256(name.encode()).hexdigest()[:40]}.json"
