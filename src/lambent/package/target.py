"""What a zip is built for: a Python version, a machine, and the newest glibc that is there."""

from __future__ import annotations

from msgspec import Struct

from lambent import calendar
from lambent.config.model import Architecture, Config
from lambent.errors import UsageError


class Target(Struct, frozen=True):
    """`python` is the minor version ("3.13"); `glibc` the newest symbol version the runtime's system has."""

    python: str
    architecture: Architecture
    glibc: tuple[int, int]

    @classmethod
    def of(cls, config: Config) -> Target:
        """The target of a configuration. Raises UsageError for a runtime that never existed."""
        known = calendar.find_runtime(config.runtime)
        if known is None:
            raise UsageError(f"no such runtime: {config.runtime}", hint="--runtime python3.13")
        return cls(known.python, config.architecture, known.glibc)

    @property
    def name(self) -> str:
        """As people read it: "python3.13 x86_64"."""
        return f"python{self.python} {self.architecture}"
