"""The exact list of wheel tags that a target takes, best first. Pure.

The tags are those of the `packaging` project for a CPython with the global lock, on a glibc of exactly the target's
version: uv knows no glibc 2.26, and what it has on either side refuses wheels that run, or lets in wheels that do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from types import MappingProxyType

from lambent.package.target import Target

_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}  # PEP 600: these are glibc 2.17, 2.12, 2.5
_OLDEST_GLIBC = {"x86_64": 5, "aarch64": 17}  # no manylinux tag of the machine is older
_FIRST_ABI3 = 2  # python3.2 brought the stable ABI (PEP 384)


def machine(target: Target) -> str:
    """The machine as wheels and ELF tools call it."""
    return "aarch64" if target.architecture == "arm64" else "x86_64"


def platforms(target: Target) -> tuple[str, ...]:
    """The platform tags, newest glibc first.

    `linux_*` promises no glibc at all. PyPI refuses it, private indexes are full of it, so it is taken when there is
    nothing better; the files inside are checked later like all others.
    """
    here = machine(target)
    found = []
    for minor in range(target.glibc[1], _OLDEST_GLIBC[here] - 1, -1):
        found.append(f"manylinux_2_{minor}_{here}")
        if minor in _LEGACY:
            found.append(f"{_LEGACY[minor]}_{here}")
    return (*found, f"linux_{here}")


def tags(target: Target) -> tuple[str, ...]:
    """All tags such as "cp313-cp313-manylinux_2_34_x86_64", best first."""
    return tuple(_tags(target))


@cache
def ranks(target: Target) -> MappingProxyType[str, int]:
    """Each tag's place in `tags`: 0 is the best."""
    return MappingProxyType({tag: rank for rank, tag in enumerate(_tags(target))})


def _tags(target: Target) -> Iterator[str]:
    there = platforms(target)
    minor = int(target.python.removeprefix("3."))
    own = f"cp3{minor}"
    for interpreter, abi in _binary(own, minor):
        for platform in there:
            yield f"{interpreter}-{abi}-{platform}"
    pure = [f"py3{minor}", "py3", *(f"py3{older}" for older in range(minor - 1, -1, -1))]
    for interpreter in pure:
        for platform in there:
            yield f"{interpreter}-none-{platform}"
    for interpreter in (own, *pure):
        yield f"{interpreter}-none-any"


def _binary(own: str, minor: int) -> Iterator[tuple[str, str]]:
    yield from ((own, own), (own, "abi3"), (own, "none"))
    for older in range(minor - 1, _FIRST_ABI3 - 1, -1):
        yield f"cp3{older}", "abi3"
