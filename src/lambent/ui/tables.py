"""Tables of what is in a zip, as lines of text. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lambent.events import FileSize, PackageSize, Setting
from lambent.ui.letters import in_one_line
from lambent.units import size

_WIDE = 44
_LARGEST = 12
"""How many packages the size table lists by name."""


def shares(found: Iterable[PackageSize]) -> list[str]:
    """What takes the room, the largest first."""
    rows = list(found)
    shown = rows[:_LARGEST]
    if others := rows[_LARGEST:]:
        shown.append(_total(f"the other {len(others)}", others))
    cells = [_share_cells(share) for share in (*shown, _total("total", rows))]
    return _right([("package", "zipped", "unpacked", "of that, bytecode"), *cells])


def _share_cells(share: PackageSize) -> tuple[str, str, str, str]:
    return share.name, size(share.packed), size(share.raw), size(share.bytecode) if share.bytecode else ""


def _total(name: str, shares: Sequence[PackageSize]) -> PackageSize:
    return PackageSize(
        name,
        sum(share.files for share in shares),
        sum(share.raw for share in shares),
        sum(share.packed for share in shares),
        sum(share.bytecode for share in shares),
        sum(share.bytecode_packed for share in shares),
    )


def files(found: Iterable[FileSize]) -> list[str]:
    """Every file, the sizes first, so that names of any length stay in line."""
    rows = [(size(file.packed), size(file.raw), f"{in_one_line(file.name)}  ({file.package})") for file in found]
    return [f"{packed:>9} {raw:>9}  {name}" for packed, raw, name in [("zipped", "unpacked", "file"), *rows]]


_ALWAYS = ("app", "runtime", "architecture", "memory", "timeout", "auth")


def settings(found: Iterable[Setting], *, every: bool = False) -> list[str]:
    """Each setting, its value and where it came from: those that were set and a few that everybody asks for, or `every`."""
    rows = [
        (setting.name, setting.value.replace("\n", "\\n") or "-", f"({setting.origin})")
        for setting in found
        if every or setting.name in _ALWAYS or (setting.origin != "default" and setting.value and setting.name != "kind")
    ]
    return left(rows)


def left(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns in line at their left. A cell that is much longer than others are only moves what is right of it."""
    if not rows:
        return []
    widths = [max((len(cell) for cell in column if len(cell) <= _WIDE), default=0) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _right(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns with the first aligned left and the others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
        lines.append(f"{first:<{widths[0]}}  {'  '.join(cells)}".rstrip())
    return lines
