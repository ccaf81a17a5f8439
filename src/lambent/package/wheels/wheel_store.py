"""Downloaded and built files in the cache, by their content: `wheels/<sha256>/<file name>`.

A file whose SHA-256 isn't known in advance (a URL without hashes, a wheel built here) has a record that leads to it.
Files are written under another name and renamed, so each was complete once. Whether it still is intact is checked when it is
read (`is_intact`), not at each build.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from msgspec import Struct

from lambent import atomic
from lambent.package.cache import mark_used
from lambent.package.lock import DistFile
from lambent.package.urls import local_path, without_credentials

_SHA256 = re.compile(r"[0-9a-f]{64}")  # nothing else becomes the name of a folder


class StoredFile(Struct, frozen=True):
    """A wheel or source distribution of the store. The file itself may be missing."""

    path: Path
    sha256: str


class WheelStore(Struct, frozen=True):
    """The folder `wheels` of the cache."""

    folder: Path

    def locate(self, sha256: str, filename: str) -> StoredFile:
        """Return where a file with this content is, or would be."""
        return StoredFile(self.folder / sha256 / Path(filename).name, sha256)

    def find(self, file: DistFile) -> StoredFile | None:
        """Return where the file is, or would be; None if its SHA-256 is unknown until it is downloaded."""
        sha256 = dict(file.hashes).get("sha256", "").lower()
        return self.locate(sha256, file.filename) if _SHA256.fullmatch(sha256) else self.read_record(file_key(file))

    def read_record(self, key: str) -> StoredFile | None:
        """Return the file that a record leads to, or None if the record is missing or damaged."""
        try:
            record = json.loads((self.folder / "known" / f"{key}.json").read_text("utf-8"))
            sha256, filename = record["sha256"], record["filename"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        is_valid = isinstance(sha256, str) and _SHA256.fullmatch(sha256) and isinstance(filename, str) and filename
        return self.locate(sha256, filename) if is_valid else None

    def write_record(self, key: str, stored: StoredFile) -> None:
        record = {"filename": stored.path.name, "sha256": stored.sha256}
        atomic.write_bytes(self.folder / "known" / f"{key}.json", json.dumps(record).encode(), mode=0o600)

    def add(self, temporary: Path, sha256: str, filename: str) -> StoredFile:
        """Move a complete file into the store."""
        stored = self.locate(sha256, filename)
        stored.path.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(stored.path)
        return stored

    def partial_path(self, file: DistFile) -> Path:
        """Return where the file's bytes are while it is being downloaded."""
        return self.folder / "partial" / file_key(file)


def is_intact(stored: StoredFile) -> bool:
    """Return whether the file exists and has the content its SHA-256 promises. Reads all of it."""
    try:
        with stored.path.open("rb") as file:
            intact = hashlib.file_digest(file, "sha256").hexdigest() == stored.sha256
    except FileNotFoundError:
        return False
    mark_used(stored.path)
    return intact


def file_key(file: DistFile) -> str:
    """Return the key of a file before its content is known. Of a local file without hashes, the date and size count too."""
    parts = [without_credentials(file.url), *(f"{algorithm}={digest}" for algorithm, digest in sorted(file.hashes))]
    if not file.hashes and file.url.startswith("file:"):
        try:
            stat = local_path(file.url).stat()
        except OSError:
            parts.append("missing")
        else:
            parts.append(f"{stat.st_mtime_ns} {stat.st_size}")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
