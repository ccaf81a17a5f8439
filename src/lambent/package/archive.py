"""Writes zips by splicing: members that are compressed already are copied, never inflated or deflated again.

The same members give the same bytes on every machine: one fixed date (1980-01-01, the oldest a zip can say), modes 0644 and
0755 only, UTF-8 names, no extra fields, the order the caller gives, and one pinned compressor (libdeflate, level 6: smaller
than zlib 9 in less than half of zip's time, see docs/benchmarks.md) for all that no published wheel has deflated already.
No zip64: AWS takes at most 250 MB unpacked.
Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

from __future__ import annotations

import hashlib
import mmap
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import deflate
from msgspec import Struct

LEVEL = 6
COMPRESSOR = f"libdeflate 0.9.0 {LEVEL}"  # what cached members were made with; a test holds it to be what is installed
STORED, DEFLATED = 0, 8
_DATE = (1980 - 1980) << 9 | 1 << 5 | 1
_UTF8 = 0x800
_STEP = 256 << 10  # bytes copied at once: what was hashed is still near when it is written
_LARGE = 4 << 20  # bytes of an archive whose memory is worth giving back
_LOCAL = struct.Struct("<4s5H3I2H")
CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")


class BadArchive(ValueError):
    """The file is not a whole archive of ours."""


class Entry(NamedTuple):
    """A member: what the directory of a zip says about it. Sizes in bytes; `offset` is where its local header begins."""

    name: str
    executable: bool
    crc: int
    raw: int
    packed: int
    method: int
    offset: int = 0

    @property
    def span(self) -> int:
        """Bytes of local header, name and data together."""
        return _LOCAL.size + len(self.name.encode()) + self.packed


class Written(Struct, frozen=True):
    """A finished archive. `sha256` is over the whole file; `raw` is the sum of the members, unpacked."""

    sha256: bytes
    zipped: int
    raw: int
    entries: tuple[Entry, ...]


def compress(name: str, data: bytes | bytearray, *, executable: bool = False) -> tuple[Entry, bytes]:
    """A member made from data: stored when compressing does not make it smaller."""
    return taken(name, data, bytes(deflate.deflate_compress(data, LEVEL)), executable=executable)


def taken(name: str, data: bytes | bytearray, packed: bytes, *, executable: bool = False) -> tuple[Entry, bytes]:
    """A member whose data somebody else has deflated: that, unless it is larger than the data."""
    method = DEFLATED
    if len(packed) >= len(data):
        packed, method = bytes(data), STORED
    return Entry(name, executable, deflate.crc32(data), len(data), len(packed), method), packed


class Sink(Protocol):
    """What members are written to."""

    def write(self, data: bytes | memoryview, /) -> object: ...


class Writer:
    """Appends members to a file that is open for writing, and ends it with the directory."""

    def __init__(self, file: Sink) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self._offset = 0
        self._entries: list[Entry] = []

    def add(self, entry: Entry, packed: bytes) -> None:
        """Appends one member whose data is compressed already."""
        self._entries.append(_moved(entry, self._offset))
        self._write(_local_header(entry) + packed)

    def splice(self, source: Archive, keep: Callable[[str], bool]) -> None:
        """Copies the members of another archive of ours as they are, in their order, in as few pieces as possible."""
        begin = end = 0
        for entry in source.entries:
            if not keep(entry.name):
                continue
            if entry.offset != end:
                self._copy(source, begin, end)
                begin = entry.offset
            self._entries.append(_moved(entry, self._offset + entry.offset - begin))
            end = entry.offset + entry.span
        self._copy(source, begin, end)
        source.let_go()

    def move(self, source: Archive, keep: Callable[[str], bool], prefix: str) -> None:
        """Copies the members of another archive of ours to names that begin with `prefix`."""
        for entry in source.entries:
            if keep(entry.name):
                end = entry.offset + entry.span
                self.add(entry._replace(name=prefix + entry.name), source.data[end - entry.packed : end])

    def close(self, comment: Callable[[bytes], bytes] = lambda digest: b"") -> Written:
        """Writes the directory. `comment` is given the SHA-256 of all that precedes it and returns the archive's comment."""
        start = self._offset
        self._write(b"".join(map(_central_header, self._entries)))
        text = comment(self._sha256.digest())
        count = len(self._entries)
        self._write(_END.pack(b"PK\5\6", 0, 0, count, count, self._offset - start, start, len(text)) + text)
        raw = sum(entry.raw for entry in self._entries)
        return Written(self._sha256.digest(), self._offset, raw, tuple(self._entries))

    def _copy(self, source: Archive, begin: int, end: int) -> None:
        with memoryview(source.data) as view:
            for start in range(begin, end, _STEP):
                with view[start : min(start + _STEP, end)] as part:
                    self._write(part)

    def _write(self, data: bytes | memoryview) -> None:
        self._file.write(data)
        self._sha256.update(data)
        self._offset += len(data)


class Archive:
    """An archive that a `Writer` of ours made, mapped for reading. Raises BadArchive for anything else."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            try:
                self.data: mmap.mmap = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except ValueError as error:  # an empty file cannot be mapped
                raise BadArchive(str(path)) from error
        try:
            self._end = self.data.rfind(b"PK\5\6")
            *_, count, size, start, length = _END.unpack_from(self.data, max(self._end, 0))
            if self._end < 0 or start + size != self._end or self._end + _END.size + length != len(self.data):
                raise BadArchive(str(path))
            self.comment = self.data[self._end + _END.size :]
            self.entries: Sequence[Entry] = tuple(_read_directory(self.data, start, count))
        except (struct.error, UnicodeDecodeError) as error:
            raise BadArchive(str(path)) from error

    def body_sha256(self) -> bytes:
        """The digest that `Writer.close` gave to `comment`."""
        with memoryview(self.data) as view, view[: self._end] as body:
            return hashlib.sha256(body).digest()

    def member(self, entry: Entry) -> tuple[Entry, bytes]:
        """A member as it is, for `Writer.add`."""
        end = entry.offset + entry.span
        return entry, self.data[end - entry.packed : end]

    def checksum(self) -> int:
        """The CRC-32 of all that precedes the end record and its comment."""
        with memoryview(self.data) as view, view[: self._end] as body:
            checksum = int(deflate.crc32(body))
        self.let_go()
        return checksum

    def let_go(self) -> None:
        """Frees the memory of what was read, where the system lets us. It stays readable."""
        if len(self.data) > _LARGE and hasattr(mmap, "MADV_DONTNEED"):
            self.data.madvise(mmap.MADV_DONTNEED)

    def read(self, name: str) -> bytes:
        """The content of a member. Raises KeyError when there is none of that name."""
        for entry in reversed(self.entries):
            if entry.name == name:
                start = entry.offset + entry.span - entry.packed
                packed = self.data[start : start + entry.packed]
                return bytes(deflate.deflate_decompress(packed, entry.raw)) if entry.method == DEFLATED else packed
        raise KeyError(name)

    def close(self) -> None:
        self.data.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def write(file: Sink, members: Iterable[tuple[Entry, bytes]]) -> Written:
    """A whole archive from members, in their order."""
    writer = Writer(file)
    for entry, packed in members:
        writer.add(entry, packed)
    return writer.close()


def _moved(entry: Entry, offset: int) -> Entry:
    return Entry(entry.name, entry.executable, entry.crc, entry.raw, entry.packed, entry.method, offset)


def _local_header(entry: Entry) -> bytes:
    name = entry.name.encode()
    sizes = (entry.crc, entry.packed, entry.raw)
    return _LOCAL.pack(b"PK\3\4", 20, _UTF8, entry.method, 0, _DATE, *sizes, len(name), 0) + name


def _central_header(entry: Entry) -> bytes:
    name = entry.name.encode()
    sizes = (entry.crc, entry.packed, entry.raw)
    mode = (0o100755 if entry.executable else 0o100644) << 16
    made_by = 3 << 8 | 20  # Unix, so that the mode counts
    return (
        CENTRAL.pack(b"PK\1\2", made_by, 20, _UTF8, entry.method, 0, _DATE, *sizes, len(name), 0, 0, 0, 0, mode, entry.offset)
        + name
    )


def _read_directory(data: mmap.mmap, offset: int, count: int) -> Iterator[Entry]:
    for _ in range(count):
        fields = CENTRAL.unpack_from(data, offset)
        magic, method, crc, packed, raw, length, mode, start = (fields[i] for i in (0, 4, 7, 8, 9, 10, 15, 16))
        if magic != b"PK\1\2":
            raise BadArchive("directory")
        offset += CENTRAL.size
        name = data[offset : offset + length].decode()
        offset += length
        yield Entry(name, bool(mode >> 16 & 0o100), crc, raw, packed, method, start)
