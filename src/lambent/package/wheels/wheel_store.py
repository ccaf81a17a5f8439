"""Wheels on this disk, by their content: `wheels/<sha256>/<file name>` in the cache.

What is not named by its SHA-256 (an address without hashes, a wheel that was built here) has a record that leads to it.
Everything is written under another name and renamed, so a file that is there was whole once; whether it still is, is
asked when it is used (`is_whole`), not at each build.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

from msgspec import Struct

from lambent import atomic
from lambent.package.cache import mark_used
from lambent.package.lock import DistFile
from lambent.package.urls import local_path, without_credentials

_SHA256 = re.compile(r"[0-9a-f]{64}")  # nothing else becomes a folder's name


class Stored(Struct, frozen=True):
    """A file of the store, wheel or source distribution. It need not be there any more."""

    path: Path
    sha256: str


class Store(Struct, frozen=True):
    """The folder `wheels` of a cache."""

    folder: Path

    def place(self, sha256: str, filename: str) -> Stored:
        return Stored(self.folder / sha256 / Path(filename).name, sha256)

    def find(self, file: DistFile) -> Stored | None:
        """Where the file would be, or None when only its bytes could tell."""
        sha256 = dict(file.hashes).get("sha256", "").lower()
        return self.place(sha256, file.filename) if _SHA256.fullmatch(sha256) else self.recorded(key(file))

    def recorded(self, key: str) -> Stored | None:
        """What a record leads to. A damaged record counts as none."""
        try:
            said = json.loads((self.folder / "known" / f"{key}.json").read_text("utf-8"))
            sha256, filename = said["sha256"], said["filename"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        whole = isinstance(sha256, str) and _SHA256.fullmatch(sha256) and isinstance(filename, str) and filename
        return self.place(sha256, filename) if whole else None

    def record(self, key: str, stored: Stored) -> None:
        said = {"filename": stored.path.name, "sha256": stored.sha256}
        atomic.write_bytes(self.folder / "known" / f"{key}.json", json.dumps(said).encode())

    def keep(self, temporary: Path, sha256: str, filename: str) -> Stored:
        """Takes a finished file in, by renaming it."""
        stored = self.place(sha256, filename)
        stored.path.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(stored.path)
        return stored

    def partial(self, file: DistFile) -> Path:
        """Where the file's bytes are gathered while it is being fetched."""
        return self.folder / "partial" / key(file)


def is_whole(stored: Stored, size: int | None = None) -> bool:
    """Whether the file is there and has the content its name says. Reads all of it."""
    try:
        with stored.path.open("rb") as file:
            if size is not None and os.fstat(file.fileno()).st_size != size:
                return False
            whole = hashlib.file_digest(file, "sha256").hexdigest() == stored.sha256
    except FileNotFoundError:
        return False
    mark_used(stored.path)
    return whole


def key(file: DistFile) -> str:
    """What a file is known by before its bytes are. A local file without hashes is known by its date and size as well."""
    parts = [without_credentials(file.url), *(f"{algorithm}={digest}" for algorithm, digest in sorted(file.hashes))]
    if not file.hashes and file.url.startswith("file:"):
        try:
            found = local_path(file.url).stat()
        except OSError:
            parts.append("missing")
        else:
            parts.append(f"{found.st_mtime_ns} {found.st_size}")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
