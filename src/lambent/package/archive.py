"""Writes zips by splicing: members that are already compressed are copied, not compressed again. Reads only its own zips.

The same members give the same bytes on every machine: a fixed date (1980-01-01, the oldest that a zip can hold), the modes
0644 and 0755 only, UTF-8 names, no extra fields, the caller's order, and one pinned compressor for everything that a published
wheel hasn't compressed already (libdeflate level 6: smaller than zlib 9 in less than half the time, see docs/benchmarks.md).
Of zip64 only the directory's end is needed, for more than 65,535 members, since AWS accepts at most 250 MB unzipped.

`zipfile` can't copy compressed members, nor write the same bytes with every version of Python.
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
COMPRESSOR = f"libdeflate 0.9.0 {LEVEL}"  # part of the key of cached members; a test compares it with the installed version
STORED, DEFLATED = 0, 8
_DATE = (1980 - 1980) << 9 | 1 << 5 | 1
_UTF8 = 0x800
_STEP = 256 << 10  # bytes copied at once: few enough to be in the CPU's cache for both hashing and writing
_LARGE = 4 << 20  # bytes of an archive whose memory is worth releasing
_LOCAL = struct.Struct("<4s5H3I2H")
CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END_64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR_64 = struct.Struct("<4sIQI")
_COUNT_MAX = 0xFFFF  # in the end record; then it stands for the count of the zip64 record before it


class BadArchive(ValueError):
    """The file isn't a complete archive that a `Writer` wrote."""


class Entry(NamedTuple):
    """A member, as the directory of a zip describes it. Sizes are in bytes; `offset` is that of its local header."""

    name: str
    executable: bool
    crc: int
    raw: int
    packed: int
    method: int
    offset: int = 0

    @property
    def span(self) -> int:
        """The bytes of its local header, name and data together."""
        return _LOCAL.size + len(self.name.encode()) + self.packed


class Written(Struct, frozen=True):
    """A finished archive. `sha256` is that of the file; `raw` is the unzipped size of all members."""

    sha256: bytes
    zipped: int
    raw: int
    entries: tuple[Entry, ...]


def compress(name: str, data: bytes | bytearray, *, executable: bool = False, deflated: bytes = b"") -> tuple[Entry, bytes]:
    """Make a member from data: stored if compressing doesn't make it smaller. `deflated` is its compressed form, if known."""
    method, packed = DEFLATED, deflated or bytes(deflate.deflate_compress(data, LEVEL))
    if len(packed) >= len(data):
        method, packed = STORED, bytes(data)
    return Entry(name, executable, deflate.crc32(data), len(data), len(packed), method), packed


class Sink(Protocol):
    """Where members are written to."""

    def write(self, data: bytes | memoryview, /) -> object: ...


class Writer:
    """Appends members to an open file, and ends it with the directory."""

    def __init__(self, file: Sink) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self._offset = 0
        self._entries: list[Entry] = []

    def add(self, entry: Entry, packed: bytes) -> None:
        """Append a member with its compressed data."""
        self._entries.append(_moved(entry, self._offset))
        self._write(_local_header(entry) + packed)

    def splice(self, source: Archive, keep: Callable[[str], bool]) -> None:
        """Copy members of another archive, in their order and in as few pieces as possible."""
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
        source.release_memory()

    def move(self, source: Archive, keep: Callable[[str], bool], prefix: str) -> None:
        """Copy members of another archive, and put `prefix` in front of their names."""
        for entry in source.entries:
            if keep(entry.name):
                end = entry.offset + entry.span
                self.add(entry._replace(name=prefix + entry.name), source.data[end - entry.packed : end])

    def close(self, comment: Callable[[bytes], bytes] = lambda digest: b"") -> Written:
        """Write the directory. `comment` makes the archive's comment from the SHA-256 of everything before the end record."""
        start = self._offset
        self._write(b"".join(map(_central_header, self._entries)))
        count, size, end = len(self._entries), self._offset - start, self._offset
        if count >= _COUNT_MAX:
            self._write(_END_64.pack(b"PK\6\6", _END_64.size - 12, 45, 45, 0, 0, count, count, size, start))
            self._write(_LOCATOR_64.pack(b"PK\6\7", 0, end, 1))
        text = comment(self._sha256.digest())
        shown = min(count, _COUNT_MAX)
        self._write(_END.pack(b"PK\5\6", 0, 0, shown, shown, size, start, len(text)) + text)
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
    """An archive that a `Writer` wrote, mapped into memory. Raises BadArchive for any other file."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            try:
                self.data: mmap.mmap = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except ValueError as error:  # an empty file cannot be mapped
                raise BadArchive(str(path)) from error
        try:
            self._end = self.data.rfind(b"PK\5\6")
            *_, count, size, start, length = _END.unpack_from(self.data, max(self._end, 0))
            directory_end = self._end
            if count == _COUNT_MAX:
                directory_end -= _END_64.size + _LOCATOR_64.size
                count = _END_64.unpack_from(self.data, max(directory_end, 0))[7]
            if self._end < 0 or start + size != directory_end or self._end + _END.size + length != len(self.data):
                raise BadArchive(str(path))
            self.comment = self.data[self._end + _END.size :]
            self.entries: Sequence[Entry] = tuple(_read_directory(self.data, start, count))
        except (struct.error, UnicodeDecodeError) as error:
            raise BadArchive(str(path)) from error

    def member(self, entry: Entry) -> tuple[Entry, bytes]:
        """Return a member with its compressed data, for `Writer.add`."""
        end = entry.offset + entry.span
        return entry, self.data[end - entry.packed : end]

    def checksum(self) -> int:
        """Return the CRC-32 of everything before the end record."""
        with memoryview(self.data) as view, view[: self._end] as body:
            checksum = int(deflate.crc32(body))
        self.release_memory()
        return checksum

    def release_memory(self) -> None:
        """Let the system reuse the memory of a large archive. The archive stays readable."""
        if len(self.data) > _LARGE and hasattr(mmap, "MADV_DONTNEED"):
            self.data.madvise(mmap.MADV_DONTNEED)

    def read(self, name: str) -> bytes:
        """Return the content of a member. Raises KeyError if there is none of that name."""
        for entry in reversed(self.entries):
            if entry.name == name:
                return self.content(entry)
        raise KeyError(name)

    def content(self, entry: Entry) -> bytes:
        """Return the content of a member."""
        packed = self.member(entry)[1]
        return bytes(deflate.deflate_decompress(packed, entry.raw)) if entry.method == DEFLATED else packed

    def close(self) -> None:
        self.data.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def write(file: Sink, members: Iterable[tuple[Entry, bytes]]) -> Written:
    """Write a complete archive from members, in their order."""
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
    version = 3 << 8 | 20  # made on Unix, so that the mode counts
    return (
        CENTRAL.pack(b"PK\1\2", version, 20, _UTF8, entry.method, 0, _DATE, *sizes, len(name), 0, 0, 0, 0, mode, entry.offset)
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
