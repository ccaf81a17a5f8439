"""Packages that their authors publish twice: as a source, and under another name as wheels of the same code.

A host with the libraries and a compiler installs the source. Lambda has neither, and importing either gives the same module.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from lambent.events import Notice
from lambent.package.lock import Pin
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.requirements.version_finder import VersionFinder
from lambent.package.wheels.choose_wheel import choose_wheel

_BINARIES = {"psycopg2": "psycopg2-binary"}


def with_binaries(pins: Iterable[Pin], request: ResolveRequest, versions: VersionFinder) -> tuple[Pin, ...]:
    """Return the pins, with the binary package at the same version instead of a source that has to be compiled.

    The replaced packages are added to the request's `omitted`.
    """
    pins = tuple(pins)
    names = {pin.name for pin in pins}
    replaced = []
    for pin in pins:
        name = _BINARIES.get(pin.name, "")
        if not name or pin.sdist is None or request.options.native or choose_wheel(pin, request.target) is not None:
            replaced.append(pin)
        elif name in names:
            request.omitted.add(pin.name)
        elif binary := versions.newest_allowed(f"{name}=={pin.version}"):
            request.omitted.add(pin.name)
            request.emit(Notice(f"{pin.name} {pin.version} needs a compiler: using {name} {pin.version}, its wheels"))
            replaced.append(replace(binary, requested=pin.requested))
        else:
            replaced.append(pin)
    return tuple(replaced)
