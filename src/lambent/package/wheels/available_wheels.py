"""Describe the wheels that a package has, for the error that none fits. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lambent.package.lock import Pin
from lambent.package.wheels.choose_wheel import WheelFilename, parse_wheel_filename

_MACHINES = ("x86_64", "aarch64", "any ")  # Lambda's two, and "any machine"
_SYSTEMS = {"macosx": "macOS", "win": "Windows", "android": "Android", "ios": "iOS", "pyodide": "WebAssembly"}


def describe_wheels(pin: Pin) -> str:
    """Return what the package's wheels are for: "python3.9-3.12 x86_64 glibc 2.28; macOS, Windows". Empty if it has none."""
    linux: dict[str, set[str]] = {}
    elsewhere: set[str] = set()
    for wheel in pin.wheels:
        name = parse_wheel_filename(wheel.filename)
        if name is None:
            continue
        pythons = _python_versions(name)
        machines, systems = _platforms(name.platforms)
        elsewhere |= systems
        for machine in machines:
            if machine.startswith(_MACHINES) and pythons:
                linux.setdefault(machine, set()).update(pythons)
            else:
                elsewhere.add("other Pythons and machines")
    machines_by_range: dict[str, list[str]] = {}
    for machine in sorted(linux):
        machines_by_range.setdefault(_version_range(linux[machine]), []).append(machine)
    parts = [f"{versions} {', '.join(machines)}" for versions, machines in machines_by_range.items()]
    return "; ".join([*parts, *([", ".join(sorted(elsewhere, key=str.lower))] if elsewhere else [])])


def _platforms(tags: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return the Linux machines and the other systems that platform tags name. Of several glibc versions, only the oldest."""
    oldest: dict[str, int] = {}
    machines: set[str] = set()
    systems: set[str] = set()
    for tag in tags:
        if glibc := re.match(r"manylinux(?:_2_(\d+)|(2014)|(2010)|(1))_(.+)", tag):
            minor = int(glibc[1] or (17 if glibc[2] else 12 if glibc[3] else 5))
            oldest[glibc[5]] = min(minor, oldest.get(glibc[5], minor))
        elif musl := re.match(r"musllinux_\d+_\d+_(.+)", tag):
            machines.add(f"{musl[1]} musl")
        elif tag.startswith("linux_"):
            machines.add(tag.removeprefix("linux_"))
        elif tag == "any":
            machines.add("any machine")
        else:
            systems.add(_SYSTEMS.get(re.split(r"[_\d]", tag)[0], tag))
    return machines | {f"{machine} glibc 2.{minor}" for machine, minor in oldest.items()}, systems


def _python_versions(name: WheelFilename) -> set[str]:
    """Return CPython versions as people write them: "3.12", "3.13t" (free-threaded), "3.8+" (stable ABI), "3"."""
    versions = set()
    for python in name.pythons:
        if not python.startswith(("cp", "py")):
            continue  # PyPy and others
        digits = python[2:]
        version = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
        for abi in name.abis:
            versions.add(f"{version}+" if abi == "abi3" else f"{version}t" if abi.endswith("t") else version)
    return versions


def _version_range(versions: set[str]) -> str:
    """Return a set of versions in short form: "python3.9-3.12, 3.13t"."""
    plain = sorted(int(version[2:]) for version in versions if re.fullmatch(r"3\.\d+", version))
    runs: list[list[int]] = []
    for minor in plain:
        if runs and minor == runs[-1][-1] + 1:
            runs[-1].append(minor)
        else:
            runs.append([minor])
    ranges = [f"3.{run[0]}-3.{run[-1]}" if len(run) > 1 else f"3.{run[0]}" for run in runs]
    special = sorted(version for version in versions if not re.fullmatch(r"3\.\d+", version))
    return f"python{', '.join([*ranges, *special])}"
