"""Tables as lines of text: the sizes and files of a zip, and settings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lambent.events import FileSize, PackageSize, Setting
from lambent.ui.sanitize import sanitize_line
from lambent.units import size

_WIDE_CELL = 44
_LARGEST_PACKAGES = 12
"""The number of packages that the size table lists by name."""
_ESSENTIAL_SETTINGS = ("app", "runtime", "architecture", "memory", "timeout", "auth")


def sizes(packages: Iterable[PackageSize]) -> list[str]:
    """Return the size breakdown of a zip. `packages` are sorted, largest first."""
    packages = list(packages)
    rows = packages[:_LARGEST_PACKAGES]
    if rest := packages[_LARGEST_PACKAGES:]:
        rows.append(_total(f"the other {len(rest)}", rest))
    cells = [_size_cells(row) for row in (*rows, _total("total", packages))]
    return _align_right([("package", "zipped", "unpacked", "of that, bytecode"), *cells])


def _size_cells(package: PackageSize) -> tuple[str, str, str, str]:
    return package.name, size(package.packed), size(package.raw), size(package.bytecode) if package.bytecode else ""


def _total(name: str, packages: Sequence[PackageSize]) -> PackageSize:
    return PackageSize(
        name,
        sum(package.files for package in packages),
        sum(package.raw for package in packages),
        sum(package.packed for package in packages),
        sum(package.bytecode for package in packages),
        sum(package.bytecode_packed for package in packages),
    )


def files(entries: Iterable[FileSize]) -> list[str]:
    """Return every file with its sizes. The sizes come first, so that names of any length stay aligned."""
    rows = [(size(file.packed), size(file.raw), f"{sanitize_line(file.name)}  ({file.package})") for file in entries]
    return [f"{packed:>9} {raw:>9}  {name}" for packed, raw, name in [("zipped", "unpacked", "file"), *rows]]


def settings(entries: Iterable[Setting], *, defaults: bool = False) -> list[str]:
    """Return each setting with its value and origin: the essential ones and those that were set, or also the `defaults`."""
    rows = [
        (setting.name, setting.value.replace("\n", "\\n") or "-", f"({setting.origin})")
        for setting in entries
        if defaults
        or setting.name in _ESSENTIAL_SETTINGS
        or (setting.origin != "default" and setting.value and setting.name != "kind")
    ]
    return align_left(rows)


def align_left(rows: Sequence[tuple[str, ...]], *, padded: bool = False) -> list[str]:
    """Return the rows as columns. A very long cell moves only the cells to its right. Rows end with a cell unless `padded`."""
    if not rows:
        return []
    widths = [max((len(cell) for cell in column if len(cell) <= _WIDE_CELL), default=0) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    return lines if padded else [line.rstrip() for line in lines]


def _align_right(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the rows as columns, the first aligned left and the others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for name, *numbers in rows:
        cells = (f"{cell:>{width}}" for cell, width in zip(numbers, widths[1:], strict=True))
        lines.append(f"{name:<{widths[0]}}  {'  '.join(cells)}".rstrip())
    return lines
