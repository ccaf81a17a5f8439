"""The proof of a zip before it is uploaded: everything that can be told without running it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from msgspec import Struct

from lambent.package.proof import entry_point, missing_imports, native_files
from lambent.package.proof.finding import Finding
from lambent.package.target import Target


class Zip(Struct, frozen=True):
    """What a proof looks at. `handlers` is what is called: the app's, and that of other events ("module:function").

    `owners` gives the packages' files as name -> path in the zip -> CRC-32. `requirements` are findings about the pins
    (`requires.unmet`), made once for each lock. Sizes are no matter of the proof: how much room there is decides what goes in.
    """

    code: missing_imports.Code
    natives: tuple[native_files.Native, ...]
    handlers: tuple[str, ...]
    owners: Mapping[str, Mapping[str, int]]
    requirements: tuple[Finding, ...] = ()


def prove(zipped: Zip, target: Target) -> tuple[Finding, ...]:
    """All findings, errors first. `refusal` in `finding.py` makes one error of them."""
    found = [one for handler in zipped.handlers if (one := entry_point.check(handler, zipped.code, target))]
    found += native_files.check(zipped.natives, zipped.code.names, target)
    found += zipped.requirements
    starts = [module for handler in zipped.handlers if (module := entry_point.module_of(handler))]
    found += missing_imports.missing(zipped.code, starts, target)
    found += clashes(zipped.owners)
    order = ("error", "warning", "note")
    return tuple(sorted(found, key=lambda one: order.index(one.level)))


def clashes(owners: Mapping[str, Mapping[str, int]]) -> Iterator[Finding]:
    """Files that two packages bring with different content: only one can be in the zip."""
    seen: dict[str, tuple[str, int]] = {}
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for owner, files in owners.items():
        for path, crc in files.items():
            first, before = seen.setdefault(path, (owner, crc))
            if before != crc:
                found[first, owner].append(path)
    for (first, second), paths in found.items():
        what = f"{first} and {second} bring the same files with different content"
        hint = f"ask for one of the two only: {first.split()[0]} or {second.split()[0]}"
        yield Finding("warning", what, tuple(sorted(paths)), second, hint)
