"""Resolved locks as files: what was asked once has the same answer until the question changes.

No third-party import here: this is all that a rebuild runs of `requirements/`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct

from lambent.package.cache import read_json, write_json
from lambent.package.lock import DistFile, Lock, Pin, Repository


class Resolution(Struct, frozen=True):
    """The lock, whether it was known already, and what the user should hear about it: (what, hint) pairs."""

    lock: Lock
    cached: bool = False
    warnings: tuple[tuple[str, str], ...] = ()


def read(path: Path) -> Resolution | None:
    """What was kept, or None when nothing was, or it is damaged."""
    said = read_json(path)
    try:
        pins = tuple(_pin(pin) for pin in said["pins"])
        return Resolution(Lock(said["source"], pins), True, tuple((what, hint) for what, hint in said["warnings"]))
    except (ValueError, KeyError, TypeError):
        return None


def write(path: Path, resolution: Resolution) -> None:
    """Keeps it. Raises OSError, and then leaves nothing half-written."""
    pins = [_plain(pin) for pin in resolution.lock.pins]
    said = {"source": resolution.lock.source, "pins": pins, "warnings": resolution.warnings}
    write_json(path, said)


def _plain(pin: Pin) -> dict[str, Any]:
    plain: dict[str, Any] = {"name": pin.name, "version": pin.version}
    if pin.wheels:
        plain["wheels"] = [_file(wheel) for wheel in pin.wheels]
    if pin.sdist:
        plain["sdist"] = _file(pin.sdist)
    if pin.folder:
        plain["folder"] = str(pin.folder)
    if pin.repository:
        plain["repository"] = [pin.repository.url, pin.repository.commit, pin.repository.subdirectory]
    if pin.index:
        plain["index"] = pin.index
    if pin.asked:
        plain["asked"] = True
    if pin.extras:
        plain["extras"] = pin.extras
    return plain


def _file(file: DistFile) -> list[Any]:
    return [file.filename, file.url, file.hashes, file.size]


def _dist(plain: list[Any]) -> DistFile:
    filename, url, hashes, size = plain
    return DistFile(filename, url, tuple((algorithm, digest) for algorithm, digest in hashes), size)


def _pin(plain: dict[str, Any]) -> Pin:
    repository = plain.get("repository")
    return Pin(
        name=plain["name"],
        version=plain["version"],
        wheels=tuple(_dist(wheel) for wheel in plain.get("wheels", ())),
        sdist=_dist(plain["sdist"]) if "sdist" in plain else None,
        folder=Path(plain["folder"]) if "folder" in plain else None,
        repository=Repository(*repository) if repository else None,
        index=plain.get("index", ""),
        asked=plain.get("asked", False),
        extras=tuple(plain.get("extras", ())),
    )
