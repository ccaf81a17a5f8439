"""Parse the file names of wheels, and choose the best one for a target. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from lambent.package.lock import DistFile, Pin
from lambent.package.target import Target
from lambent.package.wheels.tags import tag_ranks


class WheelFilename(Struct, frozen=True):
    """The parts of a wheel's file name (PEP 427). The last three may hold several values each, as "py2.py3" does."""

    name: str
    version: str
    build: str
    pythons: tuple[str, ...]
    abis: tuple[str, ...]
    platforms: tuple[str, ...]

    def tags(self) -> Iterator[str]:
        for python in self.pythons:
            for abi in self.abis:
                for platform in self.platforms:
                    yield f"{python}-{abi}-{platform}"

    @property
    def is_platform_neutral(self) -> bool:
        """Whether the wheel runs on every machine."""
        return self.abis == ("none",) and self.platforms == ("any",)


def parse_wheel_filename(filename: str) -> WheelFilename | None:
    """Return the parts of a wheel's file name, or None if it isn't one. A name that contains a path isn't one."""
    parts = filename.removesuffix(".whl").split("-")
    if not filename.endswith(".whl") or len(parts) not in (5, 6) or "/" in filename or "\\" in filename:
        return None
    build = parts[2] if len(parts) == 6 else ""
    pythons, abis, platforms = (tuple(part.lower().split(".")) for part in parts[-3:])
    return WheelFilename(parts[0], parts[1], build, pythons, abis, platforms)


def download_size(pins: Iterable[Pin], target: Target) -> int:
    """Return the bytes of the wheels of packages for the target, as far as the index says so."""
    return sum(wheel.size or 0 for pin in pins if (wheel := choose_wheel(pin, target)))


def choose_wheel(pin: Pin, target: Target) -> DistFile | None:
    """Return the best wheel of a package for the target, or None if none fits."""
    ranks = tag_ranks(target)
    best: tuple[tuple[int, int, str, str], DistFile] | None = None
    for wheel in pin.wheels:
        name = parse_wheel_filename(wheel.filename)
        if name is None:
            continue
        rank = min((ranks[tag] for tag in name.tags() if tag in ranks), default=None)
        if rank is None:
            continue
        sort_key = (-rank, *_build_order(name.build), wheel.filename)
        if best is None or sort_key > best[0]:
            best = (sort_key, wheel)
    return best[1] if best else None


def _build_order(build: str) -> tuple[int, str]:
    """Return what build tags are sorted by: the number, then the rest. No tag sorts lowest (PEP 427)."""
    match = re.match(r"(\d+)(.*)", build)
    return (int(match[1]), match[2]) if match else (-1, "")
