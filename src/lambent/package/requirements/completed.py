"""Pins of a lock that keeps names, versions and hashes, but no addresses: uv finds where the files lie.

Only files whose hash the lock lists are kept: what the lock's own tool would not install is not packed.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from lambent.errors import PackagingError
from lambent.package.lock import Pin
from lambent.package.requirements.compiled import Compiler, Sources, requirements_file
from lambent.package.requirements.question import Question


class Locked(Struct, frozen=True):
    """A package of such a lock: its name, its version ("" when the lock leaves it open), and "sha256:..." hashes.

    `pin` is set when the lock says where it is to be had from, and nothing has to be found.
    """

    name: str
    version: str
    hashes: frozenset[str] = frozenset()
    index: str = ""
    pin: Pin | None = None


def complete(locked: Sequence[Locked], question: Question, options: Sequence[str] = ()) -> tuple[Pin, ...]:
    """The pins with their files. `options` are lines that say where packages are looked for. Raises PackagingError."""
    known = [package.pin for package in locked if package.pin]
    wanted = {package.name: package for package in locked if not package.pin}
    if not wanted:
        return tuple(known)
    lines = [f"{package.name}{f'=={package.version}' if package.version else ''}" for package in wanted.values()]
    with requirements_file((*options, *lines)) as listed:
        sources = Sources((str(listed),), tuple(options), no_deps=True)
        found = Compiler(question, sources).pins()
    return (*known, *(_only_listed(pin, wanted[pin.name], question) for pin in found))


def _only_listed(pin: Pin, locked: Locked, question: Question) -> Pin:
    if not locked.hashes:
        return pin
    wheels = tuple(wheel for wheel in pin.wheels if _listed(wheel.hashes, locked))
    sdist = pin.sdist if pin.sdist and _listed(pin.sdist.hashes, locked) else None
    if not wheels and not sdist:
        raise PackagingError(
            f"no file of {pin.name} {pin.version} that the index has for {question.uv.target.name} is in the lock",
            where=question.asked.source,
            hint="lock again: the hashes are of other files",
        )
    return replace(pin, wheels=wheels, sdist=sdist)


def _listed(hashes: tuple[tuple[str, str], ...], locked: Locked) -> bool:
    """Unknown hashes are let through to the download, which is checked against nothing less than the index says."""
    same = [pair for pair in hashes if any(listed.startswith(f"{pair[0]}:") for listed in locked.hashes)]
    return not same or any(f"{algorithm}:{digest}" in locked.hashes for algorithm, digest in same)
