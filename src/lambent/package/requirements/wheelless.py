"""Packages of which uv found no wheel: which one it blames, and whether it is native code. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from lambent import calendar
from lambent.config.model import Architecture
from lambent.package.lock import Pin
from lambent.package.requirements.lines import normalised
from lambent.package.target import Target
from lambent.package.wheels.choose_wheel import choose_wheel

_OLDEST = date(2021, 1, 1)  # python3.9 and later
_MACHINES: tuple[Architecture, ...] = ("x86_64", "arm64")
_LINUX = re.compile(r"(manylinux|musllinux|linux_)")


class Package(Struct, frozen=True):
    """A package by name, and as it was asked for ("numpy==1.21.0"). `local` ones are folders on this machine."""

    name: str
    spec: str
    local: bool = False


def blamed(text: str) -> Package | None:
    """The package that uv found no wheel of, or None when its message is about something else."""
    flat = " ".join(text.split())
    local = re.search(r"Building source distributions is disabled,? but attempted to build `([^`]+)`", flat)
    if local:
        return Package(normalised(local[1]), local[1], local=True)
    said = r"(?<![\w.-])([A-Za-z0-9][\w.-]*)((?:[=<>!~]=?[^\s,]+,?)*) ha(?:s|ve) no (?:usable )?wheels"
    found = re.search(said, flat)
    wanted = re.search(r"Wheels are required for `([^`]+)`", flat)
    if wanted and (found is None or normalised(found[1]) != normalised(wanted[1])):
        return Package(normalised(wanted[1]), wanted[1])
    if found is None:
        return None
    # uv blames the oldest of several ranges first ("x<=0.5 has no wheels with a matching ABI"): what was asked for counts.
    asked = re.search(
        rf"(?:you require|depends on) ({re.escape(found[1])}(?:\[[\w,.-]*\])?)((?:[=<>!~]=?[^\s,]+,?)*)(?=[\s,]|$)", flat
    )
    spec = f"{asked[1]}{asked[2].rstrip(',')}" if asked else f"{found[1]}{found[2]}"
    return Package(normalised(found[1]), spec)


def ruled_out(text: str, unfit: Sequence[Pin]) -> Package | None:
    """The package that uv could not do without, of those whose wheels do not fit the target and were ruled out."""
    for pin in unfit:
        if re.search(rf"(?<![\w.-]){re.escape(pin.name)}(?![\w-])", text):
            return Package(pin.name, f"{pin.name}=={pin.version}")
    return None


def has_linux_wheels(pin: Pin) -> bool:
    """Whether there are wheels with code for some Linux: then a source of it has native code as well."""
    return any(_LINUX.search(wheel.filename) for wheel in pin.wheels)


def targets(pin: Pin) -> list[Target]:
    """The Lambda runtimes that its wheels do fit, newest first."""
    runtimes = [known for known in calendar.RUNTIMES if not known.preview and known.available >= _OLDEST]
    possible = (Target(known.python, machine, known.glibc) for known in reversed(runtimes) for machine in _MACHINES)
    return [target for target in possible if choose_wheel(pin, target) is not None]
