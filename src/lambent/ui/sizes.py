"""What is said of a zip's size. Pure, and quick to import: see package/again/."""

from __future__ import annotations

from lambent.ui.units import count, seconds, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Row = tuple[str, int, int, int, int, int]
    """The fields of `events.Share`: name, files, bytes unpacked and zipped, and the same of the bytecode in it."""

_ROWS = 12


def built(zipped: int, raw: int, files: int, spent: float) -> tuple[str, str]:
    """The text and the note of the line for a finished zip."""
    return f"built {size(zipped)}", f"{size(raw)} unpacked, {count(files, 'file')}, {seconds(spent)}"


def room(found: Sequence[Row]) -> list[str]:
    """The largest packages, what the others take together, and the sum; bytecode is a part of what is before it."""
    shown = [*found[:_ROWS]]
    if rest := found[_ROWS:]:
        shown.append(_sum(f"the other {len(rest)}", rest))
    rows = [_cells(row) for row in (*shown, _sum("all", found))]
    return _columns([("what takes the room", "zipped", "unpacked", "of it bytecode"), *rows])


def _cells(row: Row) -> tuple[str, str, str, str]:
    name, _, raw, packed, bytecode, _ = row
    return name, size(packed), size(raw), size(bytecode) if bytecode else ""


def _sum(name: str, found: Sequence[Row]) -> Row:
    files, raw, packed, bytecode, bytecode_packed = (sum(column) for column in list(zip(*found, strict=True))[1:])
    return name, files, raw, packed, bytecode, bytecode_packed


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    told = []
    for first, *others in rows:
        cells = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
        told.append(f"{first:<{widths[0]}}  {'  '.join(cells)}".rstrip())
    return told
