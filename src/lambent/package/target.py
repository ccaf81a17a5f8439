"""The target: the runtime and machine that a zip is built for."""

from __future__ import annotations

from msgspec import Struct

from lambent import calendar
from lambent.config.model import Architecture, Config
from lambent.errors import UsageError


class Target(Struct, frozen=True):
    """A Python version and a machine. `python` is the minor version ("3.13"), `glibc` the version of the runtime's system.

    With `macos` it is a Mac with that version, for the local Lambda there: `glibc` doesn't count.
    """

    python: str
    architecture: Architecture
    glibc: tuple[int, int]
    macos: tuple[int, int] | None = None

    @classmethod
    def of(cls, config: Config) -> Target:
        """Return the target of a configuration. Raises UsageError for an unknown runtime."""
        runtime = calendar.find_runtime(config.runtime)
        if runtime is None:
            raise UsageError(f"no such runtime: {config.runtime}", hint="--runtime python3.13")
        return cls(runtime.python, config.architecture, runtime.glibc, config.macos)

    @property
    def version(self) -> tuple[int, int]:
        """The Python version as numbers."""
        major, minor = self.python.split(".")
        return int(major), int(minor)

    @property
    def name(self) -> str:
        """The name for people: "python3.13 x86_64", "python3.13 arm64 macOS"."""
        return f"python{self.python} {self.architecture}{' macOS' if self.macos else ''}"

    @property
    def platform(self) -> str:
        """The name with the version of the system's own libraries: "python3.13 x86_64 (glibc 2.34)"."""
        major, minor = self.macos or self.glibc
        return f"{self.name} {major}.{minor}" if self.macos else f"{self.name} (glibc {major}.{minor})"
