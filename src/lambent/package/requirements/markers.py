"""What uv and markers are told about a target: it is never the machine that builds."""

from __future__ import annotations

from msgspec.structs import replace

from lambent import calendar
from lambent.package.target import Target
from lambent.package.wheels.tags import machine

_NEAREST = (2, 28)  # the oldest of uv's platforms that has every wheel for Amazon Linux 2
_PATCHES = {"3.8": 20, "3.9": 20, "3.10": 15, "3.11": 10, "3.12": 7, "3.13": 1}
"""A patch release that Lambda's runtime has passed. Without one uv takes x.y.0, and packages exclude the first releases
(cryptography: "!=3.9.0,!=3.9.1"), which would silently give versions of years ago."""


def full_version(target: Target) -> str:
    """The version markers are asked with, such as "3.13.1"."""
    return f"{target.python}.{_PATCHES.get(target.python, 0)}"


def uv_platform(target: Target) -> str:
    """The nearest of uv's platforms that refuses no wheel which would run.

    Exact for Amazon Linux 2023. For Amazon Linux 2 (glibc 2.26) uv has none: manylinux_2_28 also lets in wheels that fail
    there, and what it picked is checked by our own tags afterwards.
    """
    major, minor = widened(target).glibc
    return f"{machine(target)}-manylinux_{major}_{minor}"


def widened(target: Target) -> Target:
    """The target as uv sees it."""
    return replace(target, glibc=calendar.AL2023 if target.glibc >= calendar.AL2023 else _NEAREST)


def environment(target: Target) -> dict[str, str]:
    """The variables of environment markers (PEP 508) on Lambda."""
    return {
        "implementation_name": "cpython",
        "implementation_version": full_version(target),
        "os_name": "posix",
        "platform_machine": machine(target),
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": full_version(target),
        "python_version": target.python,
        "sys_platform": "linux",
    }


def holds(line: str, target: Target) -> bool:
    """Whether a requirement counts on the target, by its marker. One that cannot be read does."""
    if ";" not in line:
        return True
    from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        marker = Requirement(line.split(" --hash")[0]).marker
        return marker is None or marker.evaluate({**environment(target), "extra": ""})
    except (InvalidRequirement, UndefinedComparison, UndefinedEnvironmentName):
        return True
