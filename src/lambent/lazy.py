"""Lazily imported modules: the only way lambent defers an import.

    if TYPE_CHECKING:
        from lambent.package.wheels import download
    else:
        download = LazyModule("lambent.package.wheels.download")

Readers, the type checker and the import test see an ordinary import at the top of the file. Use it only where measurements
justify it: rebuilding an edited app takes 0.18 s of CPU with the current lazy imports and 0.30 s without them. The other reason
is a module that only some systems have.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class LazyModule:
    """A module that is imported when you first use one of its attributes."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)
