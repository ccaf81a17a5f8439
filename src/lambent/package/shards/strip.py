"""Cuts debug symbols off shared objects and programs. Pure.

A loader reads only what program headers map (elf(5)): what comes after the last mapped byte is for debuggers and linkers.
That is where compilers put it, so cutting there takes almost all that binutils' `strip` takes, for any machine, and moves
nothing. Left as it is, when in doubt: anything that is no 64-bit little-endian ELF, and files with data that no section
accounts for (an archive appended to a program) or with a section that is not known to be needless; and what is stripped
already, where cutting the rest would hardly show: then the wheel's own deflated bytes can be taken.
"""

from __future__ import annotations

import re
import struct
from itertools import pairwise
from typing import NamedTuple

_HEADER = struct.Struct("<16s2HI3QI6H")
_PROGRAM = struct.Struct("<2I6Q")
_SECTION = struct.Struct("<2I4Q2I2Q")
_ELF64_LITTLE = b"\x7fELF\x02\x01"
_EXECUTABLE, _SHARED = 2, 3
_ALLOCATED = 2  # sh_flags: the section is mapped
_NOBITS = 8  # sh_type: it takes no room in the file
_SECTIONS_AT, _SECTION_FIELDS_AT = 40, 58  # e_shoff; e_shentsize, e_shnum and e_shstrndx
_PADDING = 64  # bytes at the end that may belong to nothing: alignment
_NEEDLESS = re.compile(
    rb"|\.symtab|\.symtab_shndx|\.strtab|\.shstrtab|\.comment|\.z?debug_.*|\.gnu_debug(?:link|altlink|data)|\.gdb_index"
    rb"|\.stab.*|\.line|\.annobin.*|\.gnu\.build\.attributes.*|\.GCC\.command\.line|\.note\..*|\.rela?\..*|\.ARM\.attributes"
    rb"|\.gnu\.lto.*|\.gnu\.warning.*|\.llvm.*|\.mdebug.*|\.GCC\..*|\.SUNW.*|\.dep-v0|\.rustc|\.jcr|\.group|\.ident"
)
_SLIGHT = (b"", b".shstrtab", b".comment", b".gnu.build.attributes")  # what `strip` leaves, beside the table of sections
_WORTH = 16  # cut those too where they are more than this part of the file


class _Section(NamedTuple):
    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry: int


def strip(data: bytes | bytearray) -> bytes | bytearray:
    """The same file without what nothing maps, or the very same object when there is nothing to cut.

    Holes in the middle, which tools like patchelf leave, become zeros: they are gone from a zip, and no address moves.
    """
    try:
        mapped = _mapped(data)
    except (struct.error, ValueError, IndexError):
        return data
    if not mapped:
        return data
    kept = bytearray(memoryview(data)[: mapped[-1][1]])
    for (_, end), (start, _) in pairwise(mapped):
        kept[end:start] = bytes(start - end)
    kept[_SECTIONS_AT : _SECTIONS_AT + 8] = bytes(8)
    kept[_SECTION_FIELDS_AT : _SECTION_FIELDS_AT + 6] = bytes(6)
    return kept


def _mapped(data: bytes | bytearray) -> list[tuple[int, int]]:
    """The ranges of the file that count, in order and apart; none when the file is to be left alone."""
    if data[:6] != _ELF64_LITTLE:
        return []
    _, kind, _, _, _, programs, sections, _, _, program_size, count, section_size, number, names = _HEADER.unpack_from(data)
    if kind not in (_EXECUTABLE, _SHARED) or program_size != _PROGRAM.size or section_size != _SECTION.size:
        return []
    if not sections or not number or not count:
        return []
    rows = [_PROGRAM.unpack_from(data, programs + index * program_size) for index in range(count)]
    ranges = [(0, _HEADER.size), (programs, programs + count * program_size)]
    mapped = _joined([*ranges, *((row[2], row[2] + row[5]) for row in rows if row[5])])
    table = (sections, sections + number * section_size)
    if mapped[-1][1] > len(data) or table[1] > len(data) or _overlap(mapped, *table):
        return []
    found = [_Section(*_SECTION.unpack_from(data, sections + index * section_size)) for index in range(number)]
    text = bytes(memoryview(data)[found[names].offset : found[names].offset + found[names].size])
    ends, slight = [mapped[-1][1], table[1]], True
    for section in found:
        if section.kind == _NOBITS or not section.size:
            continue
        ends.append(section.offset + section.size)
        label = text[section.name : text.index(b"\0", section.name)]
        if not section.flags & _ALLOCATED:
            if not _NEEDLESS.fullmatch(label):
                return []
            slight &= label in _SLIGHT
    if slight and len(data) - mapped[-1][1] < len(data) // _WORTH:
        return []
    return mapped if len(data) - max(ends) <= _PADDING else []


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _overlap(mapped: list[tuple[int, int]], start: int, end: int) -> bool:
    return any(start < high and low < end for low, high in mapped)
