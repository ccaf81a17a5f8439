"""What is to be fetched."""

from __future__ import annotations

from msgspec import Struct

from lambent.package.lock import DistFile


class Wanted(Struct, frozen=True):
    """A file to fetch, and the package it is of. `index` is whose credentials it needs (see `Pin`)."""

    file: DistFile
    name: str
    version: str
    index: str = ""

    @property
    def package(self) -> str:
        return f"{self.name} {self.version}".strip()
