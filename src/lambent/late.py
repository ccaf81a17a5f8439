"""Modules that are imported when they are first needed: most of a rebuild's time would go into importing what it does not use.

    if TYPE_CHECKING:
        from lambent.package.shards import make
    else:
        make = Late("lambent.package.shards.make")

So the reader, the type checker and the test of who imports whom see an import at the top of the file, as any other.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Late:
    """A module that is imported when something of it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)
