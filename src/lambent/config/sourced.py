"""Values that carry their origin."""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")
DEFAULT = "default"


class Sourced(Struct, Generic[T], frozen=True):
    """A value and where it came from: "--memory", "LAMBENT_MEMORY", "pyproject.toml [tool.lambent] memory" or "default"."""

    value: T
    origin: str
