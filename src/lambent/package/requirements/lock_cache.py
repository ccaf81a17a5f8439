"""Resolved locks as files in the cache.

A rebuild reads its lock here and runs nothing else of `requirements/`, so nothing heavy is imported.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from lambent.package.cache import read_json, write_json
from lambent.package.lock import Lock


class Resolution(Struct, frozen=True):
    """A lock, and whether it came from the cache."""

    lock: Lock
    cached: bool = False


def read_lock(path: Path) -> Lock | None:
    """Return the lock in a cache file, or None if there is none or it is damaged."""
    try:
        return msgspec.convert(read_json(path), Lock, dec_hook=lambda kind, value: kind(value))
    except msgspec.ValidationError:
        return None


def write_lock(path: Path, lock: Lock) -> None:
    """Write a lock to a cache file, completely or not at all. Raises OSError."""
    plain: Any = msgspec.to_builtins(lock, enc_hook=str)
    write_json(path, plain)
