"""A file to download, and the package it belongs to."""

from __future__ import annotations

from msgspec import Struct

from lambent.package.lock import DistFile


class DownloadRequest(Struct, frozen=True):
    """`index` is the index whose credentials the download needs (see `Pin`)."""

    file: DistFile
    name: str
    version: str
    index: str = ""

    @property
    def package(self) -> str:
        return f"{self.name} {self.version}".strip()
