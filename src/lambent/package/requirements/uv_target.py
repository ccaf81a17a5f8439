"""A target as uv's options describe it: Python version and platform."""

from __future__ import annotations

from msgspec.structs import replace

from lambent import calendar
from lambent.package.target import Target
from lambent.package.wheels.tags import machine

_OLDEST_UV_GLIBC = (2, 28)  # of uv's platforms, the oldest that has every wheel for Amazon Linux 2
_PATCHES = {"3.8": 20, "3.9": 20, "3.10": 15, "3.11": 10, "3.12": 7, "3.13": 1}
"""A patch release that Lambda's runtime has passed. Without one uv takes x.y.0, and packages exclude the first releases
(cryptography: "!=3.9.0,!=3.9.1"), so that uv would silently pick versions that are years old."""


def full_version(target: Target) -> str:
    """Return the Python version with a patch number, such as "3.13.1"."""
    return f"{target.python}.{_PATCHES.get(target.python, 0)}"


def uv_platform(target: Target) -> str:
    """Return the closest of uv's platforms that accepts every wheel the target can run.

    It is exact for Amazon Linux 2023. For Amazon Linux 2 (glibc 2.26) uv has no platform: manylinux_2_28 also accepts
    wheels that fail there, so lambent checks uv's choice against its own tags.
    """
    if target.macos:
        return f"{'aarch64' if target.architecture == 'arm64' else 'x86_64'}-apple-darwin"
    major, minor = widen(target).glibc
    return f"{machine(target)}-manylinux_{major}_{minor}"


def widen(target: Target) -> Target:
    """Return the target with the glibc of its uv platform."""
    return replace(target, glibc=calendar.AL2023 if target.glibc >= calendar.AL2023 else _OLDEST_UV_GLIBC)
