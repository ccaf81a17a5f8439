"""This machine's shared libraries, found as its dynamic linker finds them (ld.so(8)): RUNPATH, ld.so.cache, system folders."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from lambent import elf
from lambent.elf import Binary

LINKER_CACHE = Path("/etc/ld.so.cache")

_MAGIC = b"glibc-ld.so.cache1.1"  # sysdeps/generic/dl-cache.h
_HEADER = struct.Struct("=20sIIB3xI12x")  # magic, number of entries, size of the strings, flags, offset of extensions
_ENTRY = struct.Struct("=iIIIQ")  # flags, name, path, version of the system, variant for a kind of processor


class HostLibraries:
    """The libraries that programs of one kind of machine load. `interpreter` is such a program. Raises OSError."""

    def __init__(self, interpreter: Path) -> None:
        self._binaries: dict[Path, Binary | None] = {}
        binary = self.read(interpreter)
        self._kind = (binary.machine, binary.bits) if binary else ("", 0)
        self._known: dict[str, list[Path]] = {}
        for name, path in _entries(_read_cache()):
            self._known.setdefault(name, []).append(Path(path))
        self._folders = [folder for folder in map(Path, ("/lib64", "/usr/lib64", "/lib", "/usr/lib")) if folder.is_dir()]

    def needed_by(self, files: Iterable[Path]) -> dict[str, Path]:
        """Return the libraries that files need, directly and indirectly: name -> path. Those that aren't found are left out."""
        found: dict[str, Path] = {}
        remaining = list(files)
        while remaining:
            path = remaining.pop()
            binary = self.read(path)
            for name in binary.needed if binary else ():
                if name not in found and (library := self.find(name, _search_path(path, binary))):
                    found[name] = library
                    remaining.append(library)
        return found

    def find(self, name: str, folders: Iterable[Path] = ()) -> Path | None:
        """Return the path of a library. `folders` come before the system's."""
        candidates = [*(folder / name for folder in folders), *self._known.get(name, ())]
        candidates += [folder / name for folder in self._folders]
        return next((path for path in candidates if self._fits(path)), None)

    def read(self, path: Path) -> Binary | None:
        """Return what a program or library needs; None for a script and for what isn't a readable file."""
        if path not in self._binaries:
            try:
                with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                    self._binaries[path] = elf.read(content)  # type: ignore[arg-type]  # it is sliced like bytes
            except (OSError, ValueError):  # ValueError: an empty file
                self._binaries[path] = None
        return self._binaries[path]

    def _fits(self, path: Path) -> bool:
        binary = self.read(path)
        return binary is not None and (binary.machine, binary.bits) == self._kind


def linker_cache(is_visible: Callable[[str], bool]) -> bytes:
    """Return ld.so.cache with its visible paths only, b"" if there is none that we can read. The order of entries counts."""
    content = _read_cache()
    strings = bytearray()
    entries = []
    for flags, name, path in _raw_entries(content):
        if is_visible(path):
            entries.append((flags, len(strings), len(strings) + len(name) + 1))
            strings += name.encode() + b"\0" + path.encode() + b"\0"
    if not entries:
        return b""
    start = _HEADER.size + len(entries) * _ENTRY.size
    table = b"".join(_ENTRY.pack(flags, start + name, start + path, 0, 0) for flags, name, path in entries)
    return _HEADER.pack(_MAGIC, len(entries), len(strings), _endianness(content), 0) + table + bytes(strings)


def _search_path(path: Path, binary: Binary | None) -> list[Path]:
    names = binary.search if binary else ()
    origin = str(path.resolve().parent)
    return [Path(name.replace("$ORIGIN", origin).replace("${ORIGIN}", origin)) for name in names]


def _read_cache() -> bytes:
    try:
        content = LINKER_CACHE.read_bytes()
    except OSError:  # as with musl
        return b""
    start = content.find(_MAGIC)  # older versions of glibc put another table before it
    return content[start:] if start >= 0 else b""


def _endianness(content: bytes) -> int:
    return int(_HEADER.unpack_from(content)[3])


def _entries(content: bytes) -> Iterator[tuple[str, str]]:
    return ((name, path) for _, name, path in _raw_entries(content))


def _raw_entries(content: bytes) -> Iterator[tuple[int, str, str]]:
    """Yield flags, name and path of each entry that is for every processor."""
    if not content:
        return
    _, count, _, _, _ = _HEADER.unpack_from(content)
    for number in range(count):
        flags, name, path, _, variant = _ENTRY.unpack_from(content, _HEADER.size + number * _ENTRY.size)
        if not variant:
            yield flags, _text(content, name), _text(content, path)


def _text(content: bytes, start: int) -> str:
    return content[start : content.index(b"\0", start)].decode()
