"""The size breakdown of a zip: by package, zipped and unzipped. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from lambent.events import FileSize, PackageSize
from lambent.package.archive import Entry
from lambent.package.compiler import source_of
from lambent.package.layout import is_runtime
from lambent.units import size

OWN = "your files"
OURS = "lambent's runtime"
_ROWS = 12


def table(sizes: Counter[str]) -> str:
    """Return a table of the largest parts, one a line, and the sum of the others. Sizes are in bytes."""
    largest = sizes.most_common(_ROWS)
    rows = [f"{size(count):>10}  {name}" for name, count in largest]
    if len(sizes) > _ROWS:
        rest = sizes.total() - sum(count for _, count in largest)
        rows.append(f"{size(rest):>10}  the other {len(sizes) - _ROWS}")
    return "\n".join(rows)


def by_package(files: Iterable[FileSize]) -> tuple[PackageSize, ...]:
    """Return the size of each package, the largest (zipped) first."""
    sums: dict[str, list[int]] = {}
    for file in files:
        row = sums.setdefault(file.package, [0, 0, 0, 0, 0])
        row[0] += 1
        row[1] += file.raw
        row[2] += file.packed
        if file.name.endswith(".pyc"):
            row[3] += file.raw
            row[4] += file.packed
    packages = [PackageSize(name, *row) for name, row in sums.items()]
    return tuple(sorted(packages, key=lambda package: (-package.packed, package.name)))


def by_file(entries: Iterable[Entry], owners: Mapping[str, str]) -> tuple[FileSize, ...]:
    """Return the size of each file. `owners` has the package of each file that a dependency brought."""
    return tuple(FileSize(entry.name, _owner(entry.name, owners), entry.raw, entry.packed) for entry in entries)


def _owner(name: str, owners: Mapping[str, str]) -> str:
    """Return the package of a file, or of a bytecode file's source; a file without one is the user's or the runtime's."""
    if is_runtime(name):
        return OURS
    return owners.get(name) or owners.get(source_of(name)) or OWN
