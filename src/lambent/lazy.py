"""Modules that are imported when they are first used: the one way in which lambent defers an import.

    if TYPE_CHECKING:
        from lambent.package.wheels import download
    else:
        download = LazyModule("lambent.package.wheels.download")

Readers, the type checker and the import test see an ordinary import at the top of the file. Use it only where a measured
import time pays for it: an edited `lambent build` takes 0.18 s of CPU with the lazy imports there are, 0.30 s without.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class LazyModule:
    """A module that is imported when one of its attributes is first used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)
