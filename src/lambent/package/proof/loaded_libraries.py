"""Finds libraries that an app loaded from the machine it was tried on, and that Lambda doesn't have.

Those that Python's own modules need don't count: Lambda's Python is linked with others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from lambent import elf
from lambent.package.proof import lambda_system
from lambent.package.target import Target

_SYSTEM = re.compile(r"/(?:usr/)?lib(?:32|64|x32)?/(?:[^/]+/)*(lib[^/]+\.so[\d.]*|ld-[^/]+)$")


def lacking(loaded: Iterable[str], target: Target) -> list[str]:
    """Return names such as "libmagic.so.1". `loaded` are paths of this machine, without those of the zip."""
    system: dict[str, str] = {}
    others: list[str] = []
    for path in loaded:
        match = _SYSTEM.search(path)
        if match:
            system[match[1]] = path
        else:
            others.append(path)
    for path in others:  # Python's own files, and what they need
        for name in _needed(path):
            others += [system.pop(each) for each in list(system) if each == name or each.startswith(f"{name}.")]
    return sorted(
        {_names(name)[-1] for name in system if all(lambda_system.has(each, target) is False for each in _names(name))}
    )


def _needed(path: str) -> tuple[str, ...]:
    try:
        binary = elf.read(Path(path).read_bytes())
    except OSError:
        return ()
    return tuple(binary.needed) if binary is not None else ()


def _names(name: str) -> list[str]:
    """Return the names that a file may be loaded by: libz.so.1.2.13, libz.so.1.2, libz.so.1."""
    stem, dot, version = name.partition(".so.")
    parts = version.split(".") if dot else []
    return [f"{stem}.so.{'.'.join(parts[:length])}" for length in range(len(parts), 0, -1)] or [name]
