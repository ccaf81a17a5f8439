"""Puts a zip together: members of shards are copied, the user's own files are compressed."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from lambent import atomic
from lambent.package.archive import Archive, Writer, Written, compress
from lambent.package.bytecode import ZipBytecode
from lambent.package.compiler import source_of
from lambent.package.layout import Files
from lambent.package.zip_contents import ZipContents
from lambent.package.zip_name import pattern, zip_path

_KEPT_ZIPS = 5  # of one app, besides the newest


class Piece(Struct, frozen=True):
    """The members of an archive to copy: those in `keep`, or, if that is None, all that aren't in `skip`.

    Their names get the `prefix`.
    """

    archive: Archive
    skip: frozenset[str] = frozenset()
    keep: frozenset[str] | None = None
    prefix: str = ""

    def takes(self, name: str) -> bool:
        return name in self.keep if self.keep is not None else name not in self.skip and not name.startswith("\0")


def pieces(contents: ZipContents, bytecode: ZipBytecode, shards: Iterable[int]) -> list[Piece]:
    """Return the pieces of some shards, by their index. Bytecode goes where its source goes."""
    chosen = set(shards)
    sources = {entry.name for index in chosen for entry in contents.shards[index].entries}
    code = frozenset(name for name in bytecode.names if source_of(name) in sources)
    copied = [Piece(shard.archive, skip) for index, (shard, skip) in enumerate(contents.pairs) if index in chosen]
    return copied + [Piece(archive.archive, keep=code) for archive in bytecode.archives]


def write(name: str, copied: Iterable[Piece], files: Files, cache: Path) -> tuple[Path, Written]:
    """Write a zip to `cache`, named after the app and the digest of its content. Raises OSError.

    Older zips of the app are removed, but for the last few: another build may still be uploading one.
    """
    folder = cache / "zips"
    with atomic.NewFile(folder) as new:
        writer = Writer(new.file)
        for piece in copied:
            if piece.prefix:
                writer.move(piece.archive, piece.takes, piece.prefix)
            else:
                writer.splice(piece.archive, piece.takes)
        for path, source in files:
            writer.add(*compress(path, source.read(), executable=source.executable))
        written = writer.close()
        zipped = zip_path(folder, name, written.sha256)
        new.move_to(zipped, mode=0o600)  # it contains the code
    _prune(zipped)
    return zipped, written


def _prune(newest: Path) -> None:
    """Remove all but the last few zips of an app."""
    dated = []
    for path in newest.parent.glob(pattern(newest)):
        with suppress(FileNotFoundError):  # another build was faster
            dated.append((path.stat().st_mtime_ns, path))
    older = sorted((entry for entry in dated if entry[1] != newest), reverse=True)
    for _, path in older[_KEPT_ZIPS:]:
        path.unlink(missing_ok=True)
