"""Requests on disk, one JSON line each, to be replayed after a restart or a kill -9.

A line is on disk before its request is performed, so that a full disk refuses the request, and nothing of it is visible. Its
newline follows when the request has succeeded, before it is answered. After a crash the last line may be incomplete: it is cut
off, because its request was never answered. A line that can't be read for another reason is set aside in
`journal.unreadable.jsonl`. Large bodies are files next to the journal, named by their digest; they are deleted together with
the S3 object that they were.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import logging
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, json

from lambent import atomic
from lambent.local import set_aside
from lambent.local.http import Request
from lambent.local.persistence import Effect
from lambent.local.regular_file import read_regular
from lambent.local.unpack import remove_anything

log = logging.getLogger("lambent.aws_services")

_INLINE_MAX = 16 * 1024
_COMPACT_AFTER = 2000
_ATTEMPTS = 3
_UNREADABLE = (ValueError, RecursionError)  # msgspec and base64 raise ValueErrors


class Entry(Struct, frozen=True):
    """A request that changed something. `time` is in seconds since the epoch; `seed` determines the ids that it created."""

    time: float
    seed: int
    subject: str
    effect: Effect
    request: Request


class _Document(Struct, omit_defaults=True):
    """An entry of the file. `body` is in base64."""

    at: float
    seed: int
    subject: str
    effect: Effect
    request: tuple[str, str, str]
    headers: tuple[tuple[str, str], ...]
    body: str | None = None
    digest: str = ""


_DECODER = json.Decoder(_Document)


class _Line(Struct, frozen=True):
    """Where an entry is in the file, what it is about, and the digest of its body if that is a file of its own."""

    start: int
    size: int
    subject: str
    effect: Effect
    digest: str = ""


class Journal:
    """A file in `folder` that grows at its end. Not thread-safe: the caller holds a lock. Raises OSError."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "journal.jsonl"
        self._bodies = folder / "bodies"
        self._bodies.mkdir(parents=True, exist_ok=True)
        self._index = _Index()
        self._unreadable: list[tuple[int, int]] = []  # start and size
        self._obsolete = 0  # lines in the file that don't matter any more
        self._size = 0
        self._prepared = _Line(0, 0, "", "add")
        self._scan()

    def load(self) -> Iterator[Entry]:
        """Yield every entry that still matters, oldest first, with one body in memory at a time. Tidies up the folder."""
        for line in self._index.lines():
            try:
                yield self._entry(line)
            except (*_UNREADABLE, OSError) as error:
                log.error("an entry about %s in %s can't be read: %r", line.subject, self._path, error)
                self._index.drop(line.start)
                self._unreadable.append((line.start, line.size))
        try:
            self._set_aside()
            if self._obsolete:
                self._rewrite()
        except OSError as error:
            log.warning("can't compact %s: %s", self._path, error)
        self._delete_bodies({path.name for path in self._bodies.iterdir()})

    def prepare(self, entry: Entry) -> None:
        """Write an entry to disk, except for the newline that makes it count. If that fails, everything is as before."""
        digest = ""
        try:
            if len(entry.request.body) > _INLINE_MAX:
                digest = self._save_body(entry.request.body)
            text = self._encode(entry, digest)
            start = self._write(text[:-1] + b" ")
        except OSError:
            self._cut()
            self._delete_bodies({digest})
            raise
        self._prepared = _Line(start, len(text), entry.subject, entry.effect, digest)

    def withdraw(self) -> None:
        """Remove what was prepared: its request has failed."""
        self._cut()
        self._delete_bodies({self._prepared.digest})

    def confirm(self) -> None:
        """The request of the prepared entry has been performed. It counts once this returns, and what it replaces doesn't.

        This takes no space on the disk, so it doesn't fail because the disk is full. Raises OSError if the disk is broken, and
        then the entry doesn't count.
        """
        line = self._prepared
        self._write_newline(line.start + line.size - 1)
        self._size = line.start + line.size
        self._index.add(line)
        obsolete = self._index.drop_obsolete()
        self._obsolete += len(obsolete)
        self._delete_bodies({line.digest for line in obsolete})
        if self._obsolete >= _COMPACT_AFTER:
            try:
                self._rewrite()
            except OSError as error:  # such as a full disk: the file is longer than necessary, but right
                log.warning("can't compact %s: %s", self._path, error)
                self._obsolete = 0

    def _scan(self) -> None:
        """Read where the entries are. Bodies stay on disk."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            for text in file:
                if not text.endswith(b"\n"):
                    break
                start, self._size = self._size, self._size + len(text)
                try:
                    document = _DECODER.decode(text)
                    line = _Line(start, len(text), document.subject, document.effect, document.digest)
                except _UNREADABLE as error:
                    log.error("a line of %s can't be read: %r", self._path, error)
                    self._unreadable.append((start, len(text)))
                else:
                    self._index.add(line)
                    self._obsolete += len(self._index.drop_obsolete())

    def _read(self, start: int, size: int) -> bytes:
        with self._path.open("rb") as file:
            file.seek(start)
            return file.read(size)

    def _write(self, text: bytes) -> int:
        """Write a line at the end, after cutting off what an earlier failure may have left. Returns where it starts."""
        self._path.touch(mode=0o600)
        size = self._path.stat().st_size
        if size > self._size:
            os.truncate(self._path, self._size)
        start = min(size, self._size)
        self._write_at(start, text)
        return start

    def _write_newline(self, position: int) -> None:
        """Let a line count. What has been performed can't be undone, so one failure of the disk is not enough to give up."""
        for attempt in range(_ATTEMPTS):
            try:
                with self._path.open("r+b", buffering=0) as file:
                    file.seek(position)
                    file.write(b"\n")
                    with contextlib.suppress(OSError):  # it is in the file, so a restart will see it
                        os.fsync(file.fileno())
                return
            except OSError:
                if attempt == _ATTEMPTS - 1:
                    raise

    def _write_at(self, position: int, data: bytes) -> None:
        with self._path.open("r+b", buffering=0) as file:
            file.seek(position)
            while data:
                data = data[file.write(data) :]
            os.fsync(file.fileno())

    def _cut(self) -> None:
        with contextlib.suppress(OSError):  # the next `_write` tries again
            os.truncate(self._path, self._size)

    def _rewrite(self) -> None:
        """Write a new file with the entries that matter."""
        index, size = _Index(), 0
        with atomic.replacing(self._path, mode=0o600, durable=True) as file:
            for line in self._index.lines():
                file.write(self._read(line.start, line.size))
                index.add(_Line(size, line.size, line.subject, line.effect, line.digest))
                size += line.size
        self._index, self._size, self._obsolete = index, size, 0

    def _set_aside(self) -> None:
        if not self._unreadable:
            return
        aside = set_aside.append(self._path, [self._read(start, size) for start, size in self._unreadable])
        log.error("%d lines of %s are set aside in %s", len(self._unreadable), self._path, aside)
        self._obsolete += len(self._unreadable)
        self._unreadable.clear()

    def _save_body(self, body: bytes) -> str:
        digest = hashlib.sha256(body).hexdigest()
        path = self._bodies / digest
        if not path.is_file():
            atomic.write_bytes(path, body, mode=0o600, durable=True)
        return digest

    def _delete_bodies(self, digests: set[str]) -> None:
        """Delete those of these bodies that no entry needs."""
        for digest in digests:
            if digest and not self._index.needs(digest):
                with contextlib.suppress(OSError):
                    remove_anything(self._bodies / digest)

    def _encode(self, entry: Entry, digest: str) -> bytes:
        request = entry.request
        body = None if digest else base64.b64encode(request.body).decode("ascii")
        target = (request.method, request.path, request.query)
        document = _Document(entry.time, entry.seed, entry.subject, entry.effect, target, request.headers, body, digest)
        return json.encode(document) + b"\n"

    def _entry(self, line: _Line) -> Entry:
        document = _DECODER.decode(self._read(line.start, line.size))
        body = read_regular(self._bodies / line.digest) if line.digest else base64.b64decode(document.body or "")
        request = Request(*document.request, document.headers, body)
        return Entry(document.at, document.seed, document.subject, document.effect, request)


class _Index:
    """The lines that matter. A line is found by its start, and by its subject."""

    def __init__(self) -> None:
        self._lines: dict[int, _Line] = {}
        self._subjects: dict[str, set[int]] = {}
        self._digests: Counter[str] = Counter()
        self._last = 0

    def lines(self) -> list[_Line]:
        return list(self._lines.values())

    def last(self) -> _Line:
        return self._lines[self._last]

    def needs(self, digest: str) -> bool:
        return self._digests[digest] > 0

    def add(self, line: _Line) -> None:
        self._last = line.start
        self._lines[line.start] = line
        self._subjects.setdefault(line.subject, set()).add(line.start)
        self._digests[line.digest] += 1

    def drop(self, start: int) -> _Line:
        line = self._lines.pop(start)
        starts = self._subjects[line.subject]
        starts.discard(start)
        if not starts:
            del self._subjects[line.subject]
        self._digests[line.digest] -= 1
        if not self._digests[line.digest]:
            del self._digests[line.digest]
        return line

    def drop_obsolete(self) -> list[_Line]:
        """Drop the lines that the last one made obsolete, and return them. A line that ends its subject is one of them."""
        last = self.last()
        if last.effect == "add" or not last.subject:
            return []
        subjects = [last.subject]
        is_bucket = last.subject.startswith("s3:") and "/" not in last.subject
        if is_bucket or last.subject.startswith("logs:"):  # objects and log streams disappear with their bucket and group
            prefix = f"{last.subject}{'/' if is_bucket else ':'}"
            subjects += [subject for subject in self._subjects if subject.startswith(prefix)]
        starts = {start for subject in subjects for start in self._subjects[subject]}
        return [self.drop(start) for start in sorted(starts) if start != last.start or last.effect == "end"]
