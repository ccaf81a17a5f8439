"""The bytecode of a shard's modules: an archive of compressed .pyc files, ready to be copied into zips.

There is one archive for each shard and interpreter, and it grows: a module is compiled when a build first needs it. What a zip
contains doesn't depend on what else is in the archive, so the same build gives the same bytes with any cache.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from lambent import atomic
from lambent.package.archive import Archive, BadArchive, Entry, Writer, compress
from lambent.package.cache import ChecksumWriter, archive_comment, mark_used

_FAILED = "\0failed.json"


class BytecodeArchive:
    """An open archive of bytecode. Close it after copying."""

    def __init__(self, path: Path) -> None:
        """Open the archive. Raises OSError if it is missing, and BadArchive if it is damaged."""
        self.path = path
        self.archive = Archive(path)
        try:
            if self.archive.comment != archive_comment(self.archive.checksum()):
                raise BadArchive(str(path))
            self.failed = frozenset(json.loads(self.archive.read(_FAILED)))
        except (ValueError, KeyError) as error:
            self.archive.close()
            raise BadArchive(str(path)) from error
        mark_used(path)

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.archive.entries if entry.name != _FAILED)

    def close(self) -> None:
        self.archive.close()


def write_archive(existing: BytecodeArchive | None, codes: Mapping[str, tuple[Entry, bytes] | None], path: Path) -> None:
    """Write an archive with the members of `existing` and new ones, by path. None stands for a source that doesn't compile."""
    members = {entry.name: existing.archive.member(entry) for entry in existing.entries} if existing else {}
    members |= {name: member for name, member in codes.items() if member}
    failed = set(existing.failed if existing else ()) | {name for name, member in codes.items() if not member}
    with atomic.replacing(path, mode=0o600) as file:
        summed = ChecksumWriter(file)
        writer = Writer(summed)
        for name in sorted(members):
            writer.add(*members[name])
        writer.add(*compress(_FAILED, json.dumps(sorted(failed)).encode()))
        writer.close(lambda _: archive_comment(summed.checksum))
