"""What takes the room in a zip: by package, zipped and unpacked. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from lambent.events import FileSize, PackageSize
from lambent.package.archive import Entry
from lambent.package.compiler import source_of
from lambent.package.layout import is_runtime

OWN = "your files"
OURS = "lambent's runtime"
_ROWS = 12


def megabytes(size: int) -> str:
    """Bytes as "12.3 MB" (of 1024 x 1024 bytes, as AWS counts)."""
    return f"{size / 1024 / 1024:.1f} MB"


def table(sizes: Counter[str]) -> str:
    """The largest parts, one a line, and what the others take together. Sizes in bytes."""
    shown = sizes.most_common(_ROWS)
    rows = [f"{megabytes(size):>10}  {name}" for name, size in shown]
    if len(sizes) > _ROWS:
        rows.append(f"{megabytes(sizes.total() - sum(size for _, size in shown)):>10}  the other {len(sizes) - _ROWS}")
    return "\n".join(rows)


def shares(files: Iterable[FileSize]) -> tuple[PackageSize, ...]:
    """What each package takes, the largest zipped first."""
    sums: dict[str, list[int]] = {}
    for file in files:
        row = sums.setdefault(file.package, [0, 0, 0, 0, 0])
        row[0] += 1
        row[1] += file.raw
        row[2] += file.packed
        if file.name.endswith(".pyc"):
            row[3] += file.raw
            row[4] += file.packed
    return tuple(sorted((PackageSize(name, *row) for name, row in sums.items()), key=lambda share: (-share.packed, share.name)))


def members(entries: Iterable[Entry], owners: Mapping[str, str]) -> tuple[FileSize, ...]:
    """The files of a zip of ours. `owners` names the package of each file that a dependency brought."""
    return tuple(FileSize(each.name, owner(each.name, owners), each.raw, each.packed) for each in entries)


def owner(name: str, owners: Mapping[str, str]) -> str:
    """Whose a file is: a package's when its name (or, of bytecode, its source's) is among `owners`, else the user's or ours."""
    if is_runtime(name):
        return OURS
    return owners.get(name) or owners.get(source_of(name)) or OWN
