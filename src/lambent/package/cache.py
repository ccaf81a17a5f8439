"""The files of the build cache: checksummed, so that a damaged file counts as missing, and marked when they are used.

Small files start with a line that holds the SHA-256 of the rest. Archives carry a CRC-32 in their comment, which costs less
to check. `pruning.py` removes the files whose mark is oldest.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import deflate

from lambent import atomic
from lambent.errors import PackagingError

MARK_INTERVAL_S = 3600
"""A mark that is younger than this is not renewed: a rebuild a minute later writes nothing."""


def read_json(path: Path) -> Any:
    """Return what `write_json` wrote, or None if the file is missing or damaged."""
    body = read_checked(path)
    try:
        return None if body is None else json.loads(body)
    except ValueError:
        return None


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON. Raises OSError."""
    write_checked(path, json.dumps(value, separators=(",", ":")).encode())


def read_checked(path: Path) -> bytes | None:
    """Return what `write_checked` wrote, or None if the file is missing or damaged."""
    try:
        digest, _, body = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return None
    mark_used(path)
    return body


def write_checked(path: Path, body: bytes) -> None:
    """Write a file with its checksum, atomically. Raises OSError."""
    atomic.write_bytes(path, hashlib.sha256(body).hexdigest().encode() + b"\n" + body, mode=0o600)


def mark_used(path: Path) -> None:
    """Record that a file or folder was used now, in its modification time: many disks don't keep an access time.

    Does nothing if the cache is read-only.
    """
    with suppress(OSError):
        if time.time() - path.stat().st_mtime > MARK_INTERVAL_S:
            os.utime(path)


class ChecksumWriter:
    """A file being written, with the CRC-32 of everything written so far."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.checksum = 0

    def write(self, data: bytes | memoryview) -> int:
        self.checksum = deflate.crc32(data, self.checksum)
        return self._file.write(data)


def archive_comment(checksum: int) -> bytes:
    """Return the comment of a cached archive: the CRC-32 of everything that precedes the end record."""
    return f"lambent {checksum:08x}".encode()


def disk_error(action: str, error: OSError, path: Path) -> PackagingError:
    """Return the error to show when the cache cannot be read or written. `action` completes "cannot ..."."""
    return PackagingError(
        f"cannot {action}: {error.strerror or error}",
        where=str(error.filename or path),
        hint="free some disk space, fix the permissions, or use another folder: --cache-dir DIR (LAMBENT_CACHE)",
    )
