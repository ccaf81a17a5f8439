"""Packages that publish no wheels at all, told from those that have wheels, but none for the target.

uv says "no usable wheels" of both. The first are usually pure Python and may be built; the second are native code, and an
attempt to build them costs minutes to end in code for the wrong machine. So the other targets are asked as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date

from lambent import calendar
from lambent.package.target import Target
from lambent.package.uv import Uv, UvFailed

_OLDEST = date(2021, 1, 1)  # python3.9 and later: each target that is asked costs time


@dataclass(frozen=True)
class Package:
    """A package by name, and as it was asked for ("numpy==1.21.0"). `local` ones are folders on this machine."""

    name: str
    spec: str
    local: bool = False


def without_wheels(text: str) -> Package | None:
    """The package that uv found no wheel of, or None when its message is about something else."""
    local = re.search(r"Building source distributions is disabled,\s+but\s+attempted\s+to\s+build\s+`([^`]+)`", text)
    if local:
        return Package(local[1], local[1], local=True)
    found = re.search(r"Wheels are required for `([^`]+)`", text)
    if found is None:
        return None
    name = found[1]
    spec = re.search(rf"(?<![\w.-])({re.escape(name)}[=<>!~,\w.*]*) ha(?:s|ve) no usable wheels", text, re.IGNORECASE)
    return Package(name, spec[1] if spec else name)


def targets_with_wheels(package: Package, uv: Uv) -> list[str]:
    """The targets for which there is a wheel, such as "python3.10 x86_64"; empty when there is none for any."""
    if package.local:
        return []
    pythons = [runtime for runtime in calendar.RUNTIMES if not runtime.preview and runtime.available >= _OLDEST]
    there = []
    for runtime in reversed(pythons):
        target = Target(runtime.python, uv.target.architecture, runtime.glibc)
        if target != uv.target and _has_wheel(package, replace(uv, target=target)):
            there.append(target.name)
    other = replace(uv.target, architecture="x86_64" if uv.target.architecture == "arm64" else "arm64")
    if _has_wheel(package, replace(uv, target=other)):
        there.append(other.name)
    return there


def _has_wheel(package: Package, uv: Uv) -> bool:
    try:
        uv.for_target("pip", "install", "--dry-run", "--no-deps", "--target", str(uv.build_cache / "none"), package.spec)
    except UvFailed:
        return False
    return True
