"""The folders that every command and the library use unless an option names others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lambent.lazy import LazyModule

if TYPE_CHECKING:
    import platformdirs
else:
    platformdirs = LazyModule("platformdirs")


def default_cache() -> Path:
    """Return the folder of the build cache: LAMBENT_CACHE, or the user's cache folder."""
    return Path(os.environ.get("LAMBENT_CACHE") or platformdirs.user_cache_path("lambent")).absolute()


def default_state() -> Path:
    """Return the folder of the local Lambda's state: LAMBENT_STATE, or one in the user's state folder."""
    return Path(os.environ.get("LAMBENT_STATE") or platformdirs.user_state_path("lambent") / "local").absolute()


def name_state(state: Path) -> str:
    """Return a state folder as --state has to name it: "" for the default."""
    return "" if state == default_state() else str(state)
