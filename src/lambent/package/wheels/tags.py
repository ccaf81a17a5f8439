"""The wheel tags that a target accepts, best first. Pure.

They are the tags of the `packaging` project, for a CPython with the global lock on a system with exactly the target's glibc.
uv can't compute them: it knows no glibc 2.26, and its nearest choices refuse wheels that run or accept wheels that don't.
`packaging.tags` is imported for macOS only, because that takes a tenth of the CPU time of an edited build; a test compares the
lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from lambent.lazy import LazyModule
from lambent.package.target import Target

if TYPE_CHECKING:
    from packaging import tags as packaging_tags
else:
    packaging_tags = LazyModule("packaging.tags")

_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}  # PEP 600: glibc 2.17, 2.12, 2.5
_OLDEST_GLIBC = {"x86_64": 5, "aarch64": 17}  # the machine has no older manylinux tag
_FIRST_ABI3 = 2  # python3.2 introduced the stable ABI (PEP 384)


def machine(target: Target) -> str:
    """Return the machine as the kernel, wheels and ELF tools call it: "x86_64" or "aarch64", on macOS "arm64"."""
    return "aarch64" if target.architecture == "arm64" and not target.macos else target.architecture


def platforms(target: Target) -> tuple[str, ...]:
    """Return the platform tags, newest glibc or macOS first.

    `linux_*` promises no glibc version. PyPI rejects it but private indexes are full of it, so it comes last; the proof
    checks the files inside such a wheel like all others.
    """
    architecture = machine(target)
    if target.macos:
        return tuple(packaging_tags.mac_platforms(target.macos, architecture))
    names = []
    for minor in range(target.glibc[1], _OLDEST_GLIBC[architecture] - 1, -1):
        names.append(f"manylinux_2_{minor}_{architecture}")
        if minor in _LEGACY:
            names.append(f"{_LEGACY[minor]}_{architecture}")
    return (*names, f"linux_{architecture}")


def tags(target: Target) -> tuple[str, ...]:
    """Return all tags such as "cp313-cp313-manylinux_2_34_x86_64", best first."""
    return tuple(_tags(target))


@cache
def tag_ranks(target: Target) -> MappingProxyType[str, int]:
    """Return the position of each tag in `tags`: 0 is the best."""
    return MappingProxyType({tag: rank for rank, tag in enumerate(_tags(target))})


def _tags(target: Target) -> Iterator[str]:
    platform_tags = platforms(target)
    minor = int(target.python.removeprefix("3."))
    cpython = f"cp3{minor}"
    for interpreter, abi in _binary_tags(cpython, minor):
        for platform in platform_tags:
            yield f"{interpreter}-{abi}-{platform}"
    pure = [f"py3{minor}", "py3", *(f"py3{older}" for older in range(minor - 1, -1, -1))]
    for interpreter in pure:
        for platform in platform_tags:
            yield f"{interpreter}-none-{platform}"
    for interpreter in (cpython, *pure):
        yield f"{interpreter}-none-any"


def _binary_tags(cpython: str, minor: int) -> Iterator[tuple[str, str]]:
    yield from ((cpython, cpython), (cpython, "abi3"), (cpython, "none"))
    for older in range(minor - 1, _FIRST_ABI3 - 1, -1):
        yield f"cp3{older}", "abi3"
