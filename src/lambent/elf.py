"""Reads what a shared object or program needs to be loaded. Pure, and never raises: the files may come from anywhere.

Like the dynamic linker it looks only at what the program headers map, so that a file without section headers (stripped) reads
the same. Field and tag names are those of elf(5). The length of each chain is limited, since a hostile file may contain loops.

This reads every shared object of every package, and only the few tables that answer our questions. pyelftools makes an object
for each structure, and takes more than a hundred times as long to answer the same ones (numpy: 4.4 s instead of 0.03 s).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import fields, replace

from lambent import python_symbols

_MACHINES = {
    3: "i386",
    8: "mips",
    20: "ppc",
    21: "ppc64le",
    22: "s390x",
    40: "arm",
    62: "x86_64",
    183: "arm64",
    243: "riscv64",
    258: "loongarch64",
}
_KINDS = {1: "object", 2: "executable", 3: "shared", 4: "core"}
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP, _PT_GNU_STACK = 1, 2, 3, 0x6474E551
_NEEDED, _HASH, _STRTAB, _SYMTAB, _STRSZ, _SONAME, _RPATH, _RUNPATH = 1, 4, 5, 6, 10, 14, 15, 29
_GNU_HASH, _VERDEF, _VERDEFNUM, _VERNEED, _VERNEEDNUM = 0x6FFFFEF5, 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
_WEAK = 2  # vna_flags: the linker accepts that it is missing
_MOST = 4096
"""The most entries of a chain, and bytes of a name. Qt's largest libraries stay below a tenth of it."""

_ELF = b"\x7fELF"
_MACH_O = (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe")
_FAT = (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")
_FAT_MOST = 30  # a Java class begins the same way, with its version (45 and above) in place of the count
_MACH_MACHINES = {7: "i386", 0x01000007: "x86_64", 12: "arm", 0x0100000C: "arm64"}
_PE_MACHINES = {0x14C: "i386", 0x8664: "x86_64", 0xAA64: "arm64", 0x1C4: "arm"}


class Binary(Struct, frozen=True):
    """What a file of machine code requires of the system that loads it.

    `format` is "elf", "mach-o" or "pe"; apart from `machine`, everything else is read from ELF files only. `kind` is "shared"
    (also a position-independent program), "executable", "object", "core" or "". `search` is RUNPATH, or RPATH, which then is
    `inherited` by the libraries it loads. `versions` are (library, version) pairs, the highest of each family ("GLIBC_2.28"),
    and `defines` the versions it provides. `align` is the smallest alignment of its PT_LOADs in bytes. `module` is the name by
    which Python would import it ("" for none), `symbols` the names of Python's C API that it requires and that not every
    Python 3 has. A `damaged` file is cut short.
    """

    format: str
    machine: str
    bits: int = 64
    big_endian: bool = False
    kind: str = ""
    interpreter: str = ""
    soname: str = ""
    needed: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    inherited: bool = False
    versions: tuple[tuple[str, str], ...] = ()
    defines: tuple[str, ...] = ()
    align: int = 0
    executable_stack: bool = False
    module: str = ""
    symbols: tuple[str, ...] = ()
    free_threaded: bool = False
    damaged: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults, in JSON's types."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if getattr(self, field.name) != field.default}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Binary:
        """Return what `as_json` made JSON of."""
        values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
        if "versions" in values:
            values["versions"] = tuple((library, version) for library, version in values["versions"])
        return cls(**values)


def read(data: bytes | memoryview) -> Binary | None:
    """Return what kind of binary these bytes are, or None if they aren't one. A file that is cut short is `damaged`."""
    magic = bytes(data[:4])
    try:
        if magic == _ELF:
            return _elf(data)
        if magic in _MACH_O:
            number = int.from_bytes(data[4:8], "little" if magic[0] in b"\xce\xcf" else "big")
            return Binary("mach-o", _MACH_MACHINES.get(number, f"machine {number}"))
        if magic in _FAT and 0 < int.from_bytes(data[4:8], "big") < _FAT_MOST:
            return Binary("mach-o", "universal")
        if magic[:2] == b"MZ":
            return _pe(data)
    except (struct.error, IndexError, ValueError, OverflowError):
        pass
    return None


def is_native_code(head: bytes) -> bool:
    """Return whether a file that starts with these four bytes is machine code, for any system."""
    return head in (_ELF, b"MZ\x90\0", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


def is_native_file(path: Path) -> bool:
    """Return whether a file on this disk is machine code. Raises OSError."""
    with path.open("rb") as file:
        return is_native_code(file.read(4))


def _pe(data: bytes | memoryview) -> Binary | None:
    at = int.from_bytes(data[60:64], "little")
    if bytes(data[at : at + 4]) != b"PE\0\0":
        return None
    number = int.from_bytes(data[at + 4 : at + 6], "little")
    return Binary("pe", _PE_MACHINES.get(number, f"machine {number:#x}"))


def _elf(data: bytes | memoryview) -> Binary | None:
    wide, order = data[4], data[5]
    if wide not in (1, 2) or order not in (1, 2) or len(data) < (64 if wide == 2 else 52):
        return None
    file = _File(data, wide == 2, "<" if order == 1 else ">")
    kind, machine = file.unpack("HH", 16)
    binary = Binary(
        format="elf",
        machine=_MACHINES.get(machine, f"machine {machine}"),
        bits=64 if file.wide else 32,
        big_endian=order == 2,
        kind=_KINDS.get(kind, ""),
        executable_stack=file.executable_stack,
        align=file.align,
        damaged=file.damaged,
    )
    try:
        return replace(binary, interpreter=file.interpreter(), **file.dynamic())
    except (struct.error, IndexError, ValueError, OverflowError):
        return replace(binary, damaged=True)


class _File:
    """An ELF file: its program headers, and what they lead to."""

    def __init__(self, data: bytes | memoryview, wide: bool, order: str) -> None:
        self.data, self.wide, self._order = data, wide, order
        self.align, self.executable_stack, self.damaged = 0, False, False
        self._loads: list[tuple[int, int, int]] = []  # address, offset and size in the file
        self._tables: dict[int, tuple[int, int]] = {}  # offset and size of PT_DYNAMIC and PT_INTERP
        self._strings = b""
        self._read_headers()

    def unpack(self, form: str, at: int) -> tuple[Any, ...]:
        if at < 0:
            raise ValueError(at)
        return struct.unpack_from(self._order + form, self.data, at)

    def _read_headers(self) -> None:
        (start,) = self.unpack("Q" if self.wide else "I", 32 if self.wide else 28)
        size, count = self.unpack("HH", 54 if self.wide else 42)
        least = 56 if self.wide else 32
        if count and (size < least or start + size * count > len(self.data)):
            self.damaged, count = True, 0
        aligns = []
        for at in range(start, start + size * count, size or least):
            if self.wide:
                kind, flags, offset, address, _, length, _, align = self.unpack("IIQQQQQQ", at)
            else:
                kind, offset, address, _, length, _, flags, align = self.unpack("IIIIIIII", at)
            if kind == _PT_LOAD:
                self._loads.append((address, offset, length))
                aligns.append(align)
                self.damaged |= offset + length > len(self.data)
            elif kind in (_PT_DYNAMIC, _PT_INTERP):
                self._tables[kind] = offset, length
            elif kind == _PT_GNU_STACK:
                self.executable_stack = bool(flags & 1)
        self.align = min(aligns, default=0)

    def interpreter(self) -> str:
        offset, size = self._tables.get(_PT_INTERP, (0, 0))
        return _text(bytes(self.data[offset : offset + min(size, _MOST)]), 0) if size else ""

    def dynamic(self) -> dict[str, Any]:
        """Return the fields of `Binary` that the dynamic section gives. Empty for a static file."""
        entries = self._entries()
        if _STRTAB not in entries or _STRSZ not in entries:
            return {}
        start = self._offset(entries[_STRTAB][0])
        self._strings = bytes(self.data[start : start + entries[_STRSZ][0]])
        paths = entries.get(_RUNPATH) or entries.get(_RPATH) or []
        return {
            "soname": self._name(entries[_SONAME][0]) if _SONAME in entries else "",
            "needed": tuple(self._name(at) for at in entries.get(_NEEDED, ())),
            "search": tuple(part for at in paths[:1] for part in self._name(at).split(":") if part),
            "inherited": _RPATH in entries and _RUNPATH not in entries,
            "versions": self._versions(entries),
            "defines": self._defines(entries),
            **self._python(entries),
        }

    def _entries(self) -> dict[int, list[int]]:
        offset, size = self._tables.get(_PT_DYNAMIC, (0, 0))
        form = "QQ" if self.wide else "II"
        width = 16 if self.wide else 8
        entries: dict[int, list[int]] = {}
        for at in range(offset, offset + min(size, _MOST * width), width):
            tag, value = self.unpack(form, at)
            if tag == 0:
                break
            entries.setdefault(tag, []).append(value)
        return entries

    def _offset(self, address: int) -> int:
        """Return the offset in the file that is mapped to an address. Raises ValueError."""
        for start, offset, size in self._loads:
            if start <= address < start + size:
                return offset + address - start
        raise ValueError(f"{address:#x} is not mapped")

    def _name(self, at: int) -> str:
        return _text(self._strings, at)

    def _versions(self, entries: dict[int, list[int]]) -> tuple[tuple[str, str], ...]:
        """Read Verneed and Vernaux: for each library the highest version of each family, without weak ones."""
        highest: dict[tuple[str, str], tuple[tuple[int, ...], str]] = {}
        remaining = _MOST
        at = self._offset(entries[_VERNEED][0]) if _VERNEED in entries else 0
        for _ in range(min(entries.get(_VERNEEDNUM, [0])[0], _MOST)):
            _, count, library, aux, further = self.unpack("HHIII", at)
            name, below = self._name(library), at + aux
            for _ in range(min(count, remaining)):
                remaining -= 1
                _, flags, _, version, step = self.unpack("IHHII", below)
                if not flags & _WEAK:
                    text = self._name(version)
                    family, rank = rank_of(text)
                    highest[name, family] = max(highest.get((name, family), ((), "")), (rank, text))
                below += step
            at += further
            if not further:
                break
        return tuple(sorted((library, text) for (library, _), (_, text) in highest.items()))

    def _defines(self, entries: dict[int, list[int]]) -> tuple[str, ...]:
        """Read Verdef: the versions it provides, without the first, which is its own name."""
        versions = []
        at = self._offset(entries[_VERDEF][0]) if _VERDEF in entries else 0
        for _ in range(min(entries.get(_VERDEFNUM, [0])[0], _MOST)):
            flags, _, _, _, aux, further = self.unpack("HHHIII", at + 2)
            (version,) = self.unpack("I", at + aux)
            if not flags & 1:  # VER_FLG_BASE
                versions.append(self._name(version))
            at += further
            if not further:
                break
        return tuple(versions)

    def _python(self, entries: dict[int, list[int]]) -> dict[str, Any]:
        """Return whether Python can import it, and which names of the C API tie it to certain Python versions."""
        start = self._strings.find(b"\0PyInit_")
        if start < 0:
            return {}
        names = set(self._strings.split(b"\0"))
        bound = names & python_symbols.BOUND
        return {
            "module": _text(self._strings, start + 1).removeprefix("PyInit_"),
            "symbols": self._undefined(entries, bound) if bound else (),
            "free_threaded": not names.isdisjoint(python_symbols.FREE_THREADED),
        }

    def _undefined(self, entries: dict[int, list[int]], names: set[bytes]) -> tuple[str, ...]:
        """Return the names that the linker has to find in other files: undefined, and not weak."""
        if _GNU_HASH in entries:  # the undefined symbols come before the hashed ones
            _, count = self.unpack("II", self._offset(entries[_GNU_HASH][0]))
        else:
            _, count = self.unpack("II", self._offset(entries[_HASH][0]))
        start, width = self._offset(entries[_SYMTAB][0]), 24 if self.wide else 16
        undefined = set()
        for at in range(start, min(start + count * width, len(self.data) - width + 1), width):
            if self.wide:
                name, info, _, section = self.unpack("IBBH", at)
            else:
                name, _, _, info, _, section = self.unpack("IIIBBH", at)
            if section == 0 and info >> 4 == 1 and name < len(self._strings):
                undefined.add(self._strings[name : self._strings.find(b"\0", name)])
        return tuple(sorted(name.decode() for name in undefined & names))


def rank_of(version: str) -> tuple[str, tuple[int, ...]]:
    """Split a symbol version: "GLIBC_2.28" is ("GLIBC", (2, 28)). A version without numbers is its own family."""
    matched = re.fullmatch(r"(\w+?)_(\d+(?:\.\d+)*)", version)
    return (matched[1], tuple(int(part) for part in matched[2].split("."))) if matched else (version, ())


def _text(table: bytes, at: int) -> str:
    """Return the name at an offset. Raises ValueError if there is none."""
    end = table.find(b"\0", at, at + _MOST)
    if end < 0:
        raise ValueError(at)
    return table[at:end].decode("utf-8", "replace")
