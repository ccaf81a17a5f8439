"""Requests on disk, one JSON line each, to be replayed after a restart or a kill -9.

A line is on disk (fsync) before its request is answered. Only the last line can be incomplete after a crash; it is dropped,
because its request was never answered. Large bodies are files next to the journal, named by their digest.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from lambent.local.http import Request
from lambent.local.persistence import Effect

log = logging.getLogger("lambent.aws_services")

_INLINE_MAX = 16 * 1024
_COMPACT_AFTER = 2000


class Entry(Struct, frozen=True):
    """A request that changed something. `time` is in seconds since the epoch; `seed` determines the ids that it created."""

    time: float
    seed: int
    subject: str
    effect: Effect
    request: Request


class Journal:
    """An append-only file in `folder`. Not thread-safe: the caller holds a lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "journal.jsonl"
        self._bodies = folder / "bodies"
        self._appended = 0
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # it contains access keys
        self._bodies.mkdir(exist_ok=True)

    def load(self) -> list[Entry]:
        """Return every entry that still matters, oldest first. Drops the others, and an incomplete line, from the file."""
        lines = self._path.read_bytes().splitlines(keepends=True) if self._path.exists() else []
        complete = [line for line in lines if line.endswith(b"\n")]
        entries = compact([entry for line in complete if (entry := self._read(line))])
        if len(entries) < len(lines):
            self._rewrite(entries)
        return entries

    def append(self, entry: Entry) -> None:
        with self._path.open("ab") as file:
            file.write(self._line(entry))
            file.flush()
            os.fsync(file.fileno())
        self._appended += 1
        if self._appended >= _COMPACT_AFTER:
            self.load()
            self._appended = 0

    def _rewrite(self, entries: list[Entry]) -> None:
        temporary = self._path.with_suffix(".new")
        with temporary.open("wb") as file:
            file.writelines(self._line(entry) for entry in entries)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        needed = {hashlib.sha256(entry.request.body).hexdigest() for entry in entries}
        for body in self._bodies.iterdir():
            if body.name not in needed:
                body.unlink()

    def _line(self, entry: Entry) -> bytes:
        request = entry.request
        document: dict[str, Any] = {
            "at": entry.time,
            "seed": entry.seed,
            "subject": entry.subject,
            "effect": entry.effect,
            "request": [request.method, request.path, request.query],
            "headers": request.headers,
        }
        if len(request.body) <= _INLINE_MAX:
            document["body"] = base64.b64encode(request.body).decode("ascii")
        else:
            document["digest"] = self._save_body(request.body)
        return json.dumps(document, separators=(",", ":")).encode() + b"\n"

    def _save_body(self, body: bytes) -> str:
        digest = hashlib.sha256(body).hexdigest()
        path = self._bodies / digest
        if not path.exists():
            temporary = path.with_suffix(".new")
            with temporary.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        return digest

    def _read(self, line: bytes) -> Entry | None:
        try:
            return self._parse(json.loads(line))
        except (ValueError, KeyError, TypeError, OSError) as error:
            log.warning("dropped a line of %s that can't be read: %r", self._path, error)
            return None

    def _parse(self, document: dict[str, Any]) -> Entry:
        body = base64.b64decode(document["body"]) if "body" in document else (self._bodies / document["digest"]).read_bytes()
        method, path, query = document["request"]
        headers = tuple((name, value) for name, value in document["headers"])
        request = Request(method, path, query, headers, body)
        return Entry(document["at"], document["seed"], document["subject"], document["effect"], request)


def compact(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries, in the same order, without those that a later one made obsolete."""
    obsolete: set[str] = set()
    remaining = []
    for entry in reversed(entries):
        subject = entry.subject
        if subject and any(part in obsolete for part in _lineage(subject)):
            continue
        if subject and entry.effect != "add":
            obsolete.add(subject)
        if entry.effect != "end" or not subject:
            remaining.append(entry)
    remaining.reverse()
    return remaining


def _lineage(subject: str) -> Iterator[str]:
    """Yield the subject and what contains it: an object in S3 disappears with its bucket."""
    yield subject
    if subject.startswith("s3:") and "/" in subject:
        yield subject.partition("/")[0]
