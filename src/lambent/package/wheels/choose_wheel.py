"""Which wheel of a package the target takes, and which there are when it takes none. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from lambent.package.lock import DistFile, Pin
from lambent.package.target import Target
from lambent.package.wheels.tags import ranks


class WheelName(Struct, frozen=True):
    """A wheel's file name, taken apart (PEP 427). The last three may hold several values each ("py2.py3")."""

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
    def neutral(self) -> bool:
        """Whether it runs on every machine."""
        return self.abis == ("none",) and self.platforms == ("any",)


def wheel_name(filename: str) -> WheelName | None:
    """The parts of a file name, or None when it is not a wheel's. A name that would lead to another folder is none."""
    parts = filename.removesuffix(".whl").split("-")
    if not filename.endswith(".whl") or len(parts) not in (5, 6) or "/" in filename or "\\" in filename:
        return None
    build = parts[2] if len(parts) == 6 else ""
    pythons, abis, platforms = (tuple(part.lower().split(".")) for part in parts[-3:])
    return WheelName(parts[0], parts[1], build, pythons, abis, platforms)


def choose(pin: Pin, target: Target) -> DistFile | None:
    """The best wheel of the package for the target, or None when none fits."""
    there = ranks(target)
    best: tuple[tuple[int, int, str, str], DistFile] | None = None
    for wheel in pin.wheels:
        name = wheel_name(wheel.filename)
        if name is None:
            continue
        rank = min((there[tag] for tag in name.tags() if tag in there), default=None)
        if rank is None:
            continue
        number, rest = _build(name.build)
        key = (-rank, number, rest, wheel.filename)
        if best is None or key > best[0]:
            best = (key, wheel)
    return best[1] if best else None


def _build(build: str) -> tuple[int, str]:
    """A build tag as it is compared: by number, then by what follows; none is the lowest (PEP 427)."""
    found = re.match(r"(\d+)(.*)", build)
    return (int(found[1]), found[2]) if found else (-1, "")


def offered(pin: Pin) -> str:
    """The wheels that there are, for an error: "python3.9-3.12 x86_64 glibc 2.28; macOS, Windows". Empty: there are none."""
    linux: dict[str, set[str]] = {}
    others: set[str] = set()
    for wheel in pin.wheels:
        name = wheel_name(wheel.filename)
        if name is None:
            continue
        for place, elsewhere in _places(name.platforms):
            pythons = _pythons(name)
            if elsewhere:
                others.add(place)
            elif not place.startswith(_MACHINES) or not pythons:
                others.add("other Pythons and machines")
            else:
                linux.setdefault(place, set()).update(pythons)
    told: dict[str, list[str]] = {}
    for place in sorted(linux):
        told.setdefault(_range(linux[place]), []).append(place)
    parts = [f"{pythons} {', '.join(places)}" for pythons, places in told.items()]
    return "; ".join([*parts, *([", ".join(sorted(others, key=str.lower))] if others else [])])


def _places(platforms: Iterable[str]) -> set[tuple[str, bool]]:
    """Where the wheel runs in words, and whether that is something else than Linux. Only the oldest glibc is told."""
    oldest: dict[str, int] = {}
    found: set[tuple[str, bool]] = set()
    for platform in platforms:
        glibc = re.match(r"manylinux(?:_2_(\d+)|(2014)|(2010)|(1))_(.+)", platform)
        if glibc:
            minor = int(glibc[1] or (17 if glibc[2] else 12 if glibc[3] else 5))
            oldest[glibc[5]] = min(minor, oldest.get(glibc[5], minor))
        elif musl := re.match(r"musllinux_\d+_\d+_(.+)", platform):
            found.add((f"{musl[1]} musl", False))
        elif platform.startswith("linux_"):
            found.add((platform.removeprefix("linux_"), False))
        elif platform == "any":
            found.add(("any machine", False))
        else:
            found.add((_SYSTEMS.get(re.split(r"[_\d]", platform)[0], platform), True))
    return found | {(f"{machine} glibc 2.{minor}", False) for machine, minor in oldest.items()}


_MACHINES = ("x86_64", "aarch64", "any ")  # Lambda's, and what runs on both
_SYSTEMS = {"macosx": "macOS", "win": "Windows", "android": "Android", "ios": "iOS", "pyodide": "WebAssembly"}


def _pythons(name: WheelName) -> set[str]:
    """CPython's versions as people write them: "3.12", "3.13t" without the global lock, "3.8+" with the stable ABI, "3"."""
    found = set()
    for python in name.pythons:
        if not python.startswith(("cp", "py")):
            continue  # PyPy and its like
        number = python[2:]
        version = f"{number[0]}.{number[1:]}" if len(number) > 1 else number
        for abi in name.abis:
            found.add(f"{version}+" if abi == "abi3" else f"{version}t" if abi.endswith("t") else version)
    return found


def _range(versions: set[str]) -> str:
    """A set of versions in short: "python3.9-3.12, 3.13t"."""
    plain = sorted(int(version[2:]) for version in versions if re.fullmatch(r"3\.\d+", version))
    runs: list[list[int]] = []
    for minor in plain:
        if runs and minor == runs[-1][-1] + 1:
            runs[-1].append(minor)
        else:
            runs.append([minor])
    told = [f"3.{run[0]}-3.{run[-1]}" if len(run) > 1 else f"3.{run[0]}" for run in runs]
    rest = sorted(version for version in versions if not re.fullmatch(r"3\.\d+", version))
    return f"python{', '.join([*told, *rest])}"
