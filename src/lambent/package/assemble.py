"""A zip put together: members of shards are copied as they are, the user's own files are compressed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from lambent.package import zips
from lambent.package.archive import Archive, Writer, Written, compress
from lambent.package.layout import SourceFile


class Piece(Struct, frozen=True):
    """An archive of ours of which the members in `keep` are wanted (None: all but what is in `skip`), below `prefix`."""

    archive: Archive
    skip: frozenset[str] = frozenset()
    keep: frozenset[str] | None = None
    prefix: str = ""

    def takes(self, name: str) -> bool:
        return name in self.keep if self.keep is not None else name not in self.skip and not name.startswith("\0")


def write(name: str, pieces: Iterable[Piece], own: Iterable[tuple[str, SourceFile]], cache: Path) -> tuple[Path, Written]:
    """The zip in `cache`, under the app's name and its content's digest.

    Raises OSError; nothing half-written is left.
    """
    folder = cache / "zips"
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary_name = tempfile.mkstemp(dir=folder, prefix=".new-")
    temporary = Path(temporary_name)
    try:
        with os.fdopen(handle, "wb") as file:
            writer = Writer(file)
            for piece in pieces:
                if piece.prefix:
                    writer.move(piece.archive, piece.takes, piece.prefix)
                else:
                    writer.splice(piece.archive, piece.takes)
            for place, source in own:
                writer.add(*compress(place, source.read(), executable=source.executable))
            written = writer.close()
        path = Path(zips.place(str(folder), name, written.sha256))
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    zips.prune(str(folder), name, str(path))
    return path, written
