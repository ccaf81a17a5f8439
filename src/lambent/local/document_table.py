"""Documents by region and name: in memory, and written through to a table of JSON documents in the state folder's database.

What is in memory is what is on disk: a change that can't be written is undone, so that no answer shows it and no later
change makes it durable.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from msgspec import Struct, ValidationError, convert, to_builtins

from lambent.local import set_aside

log = logging.getLogger(__name__)


class Resource(Struct):
    """What a document is about. Region and name identify it."""

    region: str
    account: str
    name: str
    arn: str


D = TypeVar("D", bound=Resource)


class DocumentTable(Generic[D]):
    """The documents of one kind, in the database at `path`. `check` raises KeyError, TypeError or ValueError for a bad one.

    A document that can't be read when the service starts is set aside in a file. Raises sqlite3.Error if the database can't be
    read or written. The caller holds `lock` while it changes several things.
    """

    def __init__(
        self,
        database: sqlite3.Connection,
        path: Path,
        lock: threading.RLock,
        name: str,
        kind: type[D],
        check: Callable[[D], object],
    ) -> None:
        self._database = database
        self._path = path
        self._lock = lock
        self._name = name
        self._kind = kind
        self._documents: dict[tuple[str, str], D] = {}
        self._written: dict[tuple[str, str], str] = {}
        columns = "(region TEXT, name TEXT, document TEXT NOT NULL, PRIMARY KEY (region, name))"
        database.execute(f"CREATE TABLE IF NOT EXISTS {name} {columns}")
        self._load(check)

    def get(self, region: str, name: str) -> D | None:
        """Return the document. After changing it, pass it to `save`."""
        return self._documents.get((region, name))

    def values(self) -> list[D]:
        return list(self._documents.values())

    def in_region(self, region: str) -> list[D]:
        """Return the documents of a region by name."""
        return [self._documents[key] for key in sorted(self._documents) if key[0] == region]

    def __len__(self) -> int:
        return len(self._documents)

    def save(self, document: D) -> None:
        """Make the document durable, then visible. If that fails, undo what was changed in it."""
        key = document.region, document.name
        with self._lock:
            try:
                text = json.dumps(to_builtins(document), separators=(",", ":"))
                self._database.execute(f"INSERT OR REPLACE INTO {self._name} VALUES (?, ?, ?)", (*key, text))
            except BaseException:
                self._undo(document)
                raise
            self._documents[key], self._written[key] = document, text

    def delete(self, region: str, name: str) -> None:
        with self._lock:
            self._database.execute(f"DELETE FROM {self._name} WHERE region = ? AND name = ?", (region, name))
            self._documents.pop((region, name), None)
            self._written.pop((region, name), None)

    def _undo(self, document: D) -> None:
        """Others hold this object too, such as a transition that waits. So it is changed back, not replaced."""
        key = document.region, document.name
        if self._documents.get(key) is document:
            written = convert(json.loads(self._written[key]), self._kind)
            for field in document.__struct_fields__:
                setattr(document, field, getattr(written, field))

    def _load(self, check: Callable[[D], object]) -> None:
        for row, region, name, text in self._database.execute(
            f"SELECT rowid, region, name, document FROM {self._name}"
        ).fetchall():
            try:
                document = convert(json.loads(text), self._kind)
                if (document.region, document.name) != (region, name):
                    raise ValueError(f"it is about {document.name} in {document.region}")
                check(document)
            except (ValidationError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
                self._set_aside(row, region, name, text, error)
            else:
                self._documents[region, name] = document
                self._written[region, name] = text

    def _set_aside(self, row: int, region: Any, name: Any, text: Any, error: Exception) -> None:
        line = json.dumps({"kind": self._name, "region": region, "name": name, "document": text}, default=repr)
        aside = set_aside.append(self._path, [line.encode() + b"\n"])
        log.error("%s %s in %s can't be read (%r): set aside in %s", self._name, name, region, error, aside)
        self._database.execute(f"DELETE FROM {self._name} WHERE rowid = ?", (row,))
