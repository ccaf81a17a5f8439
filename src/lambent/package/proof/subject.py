"""What a proof is about. Values only."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from lambent import elf
from lambent.package.layout import SourceFile
from lambent.package.proof.advice import DEFAULT, Advice
from lambent.package.target import Target
from lambent.package.zip_contents import ZipContents


class Subject(Struct, frozen=True):
    """The claim that `contents` run on `target`, where Lambda calls the `entry_points` ("module:attribute").

    `omitted` are packages that are missing on purpose. With `has_layers` there is more to import than the zip holds.
    `advice` says how to add what is missing. `starts` are modules that a start imports as well, and `folders` are those that
    are on the import path in addition to the top.
    """

    contents: ZipContents
    target: Target
    entry_points: tuple[str, ...]
    omitted: frozenset[str]
    has_layers: bool
    advice: Advice = DEFAULT
    starts: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()

    def own_native_files(self) -> Iterator[tuple[str, SourceFile]]:
        """Yield the files of the project that hold machine code, by their path in the zip."""
        for name, file in self.contents.layout.files:
            if file.content is None and elf.is_native_file(file.path):
                yield name, file
