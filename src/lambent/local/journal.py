"""Requests on disk, one JSON line each, so that they can be made again after a restart or a kill -9.

A line is on the disk (fsync) before its request is answered. A line torn by a crash is the last one, and was never answered: it
is cut off. Big bodies lie beside the journal in files named by their digest.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Any

from msgspec import Struct

from lambent.local.persistence import Call, Effect, compact

log = logging.getLogger("lambent.neighbours")

_INLINE_MAX = 16 * 1024
_COMPACT_AFTER = 2000


class Entry(Struct, frozen=True):
    """One request that changed something. `at` is in seconds since the epoch; `seed` fixes the ids that it made."""

    at: float
    seed: int
    subject: str
    effect: Effect
    call: Call


class Journal:
    """An append-only file in `folder`. Not for several threads at once: the caller holds a lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "journal.jsonl"
        self._bodies = folder / "bodies"
        self._appended = 0
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # access keys are in it
        self._bodies.mkdir(exist_ok=True)

    def load(self) -> list[Entry]:
        """Every entry that still matters, oldest first. Drops the others, and a torn line, from the file."""
        lines = self._path.read_bytes().splitlines(keepends=True) if self._path.exists() else []
        whole = [line for line in lines if line.endswith(b"\n")]
        entries = [entry for line in whole if (entry := self._read(line))]
        kept = compact(entries)
        if len(kept) < len(lines):
            self._rewrite(kept)
        return kept

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
        needed = {hashlib.sha256(entry.call.body).hexdigest() for entry in entries}
        for body in self._bodies.iterdir():
            if body.name not in needed:
                body.unlink()

    def _line(self, entry: Entry) -> bytes:
        call = entry.call
        told: dict[str, Any] = {
            "at": entry.at,
            "seed": entry.seed,
            "subject": entry.subject,
            "effect": entry.effect,
            "request": [call.method, call.path, call.query],
            "headers": call.headers,
        }
        if len(call.body) <= _INLINE_MAX:
            told["body"] = base64.b64encode(call.body).decode("ascii")
        else:
            told["digest"] = self._keep(call.body)
        return json.dumps(told, separators=(",", ":")).encode() + b"\n"

    def _keep(self, body: bytes) -> str:
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
            log.warning("a line of %s cannot be read and is dropped: %r", self._path, error)
            return None

    def _parse(self, told: dict[str, Any]) -> Entry:
        body = base64.b64decode(told["body"]) if "body" in told else (self._bodies / told["digest"]).read_bytes()
        method, path, query = told["request"]
        headers = tuple((name, value) for name, value in told["headers"])
        return Entry(told["at"], told["seed"], told["subject"], told["effect"], Call(method, path, query, headers, body))
