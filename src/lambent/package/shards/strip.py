"""Cut debug symbols off shared objects and programs. Pure.

A loader only reads what program headers map (elf(5)). What follows the last mapped byte is for debuggers and linkers, and
compilers put their symbols there. Cutting at that point removes nearly everything that binutils' `strip` removes, works for
any machine, and moves nothing.

A file is left alone in case of doubt: if it isn't a 64-bit little-endian ELF file, has data outside all sections (an archive
appended to a program), or has a section that isn't known to be needless. It is also left alone if it is already stripped and
little remains to cut, because then the wheel's own compressed bytes can be used.
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
_NOBITS = 8  # sh_type: the section takes no space in the file
_SECTIONS_AT, _SECTION_FIELDS_AT = 40, 58  # e_shoff; e_shentsize, e_shnum and e_shstrndx
_PADDING = 64  # bytes at the end that no section accounts for: alignment
_NEEDLESS = re.compile(
    rb"|\.symtab|\.symtab_shndx|\.strtab|\.shstrtab|\.comment|\.z?debug_.*|\.gnu_debug(?:link|altlink|data)|\.gdb_index"
    rb"|\.stab.*|\.line|\.annobin.*|\.gnu\.build\.attributes.*|\.GCC\.command\.line|\.note\..*|\.rela?\..*|\.ARM\.attributes"
    rb"|\.gnu\.lto.*|\.gnu\.warning.*|\.llvm.*|\.mdebug.*|\.GCC\..*|\.SUNW.*|\.dep-v0|\.rustc|\.jcr|\.group|\.ident"
)
_LEFT_BY_STRIP = (b"", b".shstrtab", b".comment", b".gnu.build.attributes")  # unmapped sections that `strip` keeps
_MIN_SHARE = 16  # cut those sections too if they are more than a sixteenth of the file


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
    """Return the file without what is never mapped, or the very same object if there is nothing to cut.

    Holes in the middle, which tools like patchelf leave, become zeros: they compress to nothing, and no address changes.
    """
    try:
        mapped = _mapped_ranges(data)
    except (struct.error, ValueError, IndexError):
        return data
    if not mapped:
        return data
    stripped = bytearray(memoryview(data)[: mapped[-1][1]])
    for (_, end), (start, _) in pairwise(mapped):
        stripped[end:start] = bytes(start - end)
    stripped[_SECTIONS_AT : _SECTIONS_AT + 8] = bytes(8)
    stripped[_SECTION_FIELDS_AT : _SECTION_FIELDS_AT + 6] = bytes(6)
    return stripped


def _mapped_ranges(data: bytes | bytearray) -> list[tuple[int, int]]:
    """Return the ranges of the file to keep, in order and disjoint, or none if the file must be left alone."""
    if data[:6] != _ELF64_LITTLE:
        return []
    _, kind, _, _, _, programs, sections, _, _, program_size, count, section_size, number, names = _HEADER.unpack_from(data)
    if kind not in (_EXECUTABLE, _SHARED) or program_size != _PROGRAM.size or section_size != _SECTION.size:
        return []
    if not sections or not number or not count:
        return []
    rows = [_PROGRAM.unpack_from(data, programs + index * program_size) for index in range(count)]
    headers = [(0, _HEADER.size), (programs, programs + count * program_size)]
    mapped = _merged([*headers, *((row[2], row[2] + row[5]) for row in rows if row[5])])
    table = (sections, sections + number * section_size)
    if mapped[-1][1] > len(data) or table[1] > len(data) or _overlaps(mapped, *table):
        return []
    parsed = [_Section(*_SECTION.unpack_from(data, sections + index * section_size)) for index in range(number)]
    labels = bytes(memoryview(data)[parsed[names].offset : parsed[names].offset + parsed[names].size])
    return mapped if _may_cut(parsed, labels, len(data), mapped[-1][1], table[1]) else []


def _may_cut(sections: list[_Section], labels: bytes, size: int, mapped_end: int, table_end: int) -> bool:
    """Return whether everything that follows `mapped_end` is accounted for, needless, and large enough to be worth cutting."""
    ends, is_stripped = [mapped_end, table_end], True
    for section in sections:
        if section.kind == _NOBITS or not section.size:
            continue
        ends.append(section.offset + section.size)
        label = labels[section.name : labels.index(b"\0", section.name)]
        if not section.flags & _ALLOCATED:
            if not _NEEDLESS.fullmatch(label):
                return False
            is_stripped &= label in _LEFT_BY_STRIP
    if is_stripped and size - mapped_end < size // _MIN_SHARE:
        return False
    return size - max(ends) <= _PADDING


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _overlaps(mapped: list[tuple[int, int]], start: int, end: int) -> bool:
    return any(start < high and low < end for low, high in mapped)
