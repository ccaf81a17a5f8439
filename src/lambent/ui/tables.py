"""Tables of what is in a zip, as lines of text. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lambent.events import ListedFile, Setting, Share
from lambent.ui.units import size

_ROWS = 12
_WIDE = 44


def shares(found: Sequence[Share]) -> list[str]:
    """The largest packages, what the others take together, and the sum; bytecode is a part of what is before it."""
    shown = [*found[:_ROWS]]
    if rest := found[_ROWS:]:
        shown.append(_sum(f"the other {len(rest)}", rest))
    rows = [(share.name, *_sizes(share)) for share in (*shown, _sum("all", found))]
    return _columns([("what takes the room", "zipped", "unpacked", "of it bytecode"), *rows])


def files(found: Iterable[ListedFile]) -> list[str]:
    """Every file, the sizes first, so that names of any length stay in line."""
    rows = [(size(file.packed), size(file.raw), f"{file.name}  ({file.package})") for file in found]
    return [f"{packed:>9} {raw:>9}  {name}" for packed, raw, name in [("zipped", "unpacked", "file"), *rows]]


_ALWAYS = ("app", "runtime", "architecture", "memory", "timeout", "auth")


def settings(found: Iterable[Setting], *, every: bool = False) -> list[str]:
    """Each setting, its value and where it came from: those that were set and a few that everybody asks for, or `every`."""
    rows = [
        (setting.name, setting.value or "-", f"({setting.origin})")
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


def _sizes(share: Share) -> tuple[str, str, str]:
    return size(share.packed), size(share.raw), size(share.bytecode) if share.bytecode else ""


def _sum(name: str, found: Sequence[Share]) -> Share:
    rows = [(share.files, share.raw, share.packed, share.bytecode, share.bytecode_packed) for share in found]
    return Share(name, *(sum(column) for column in zip(*rows, strict=True)))


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    told = []
    for first, *others in rows:
        cells = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
        told.append(f"{first:<{widths[0]}}  {'  '.join(cells)}".rstrip())
    return told
