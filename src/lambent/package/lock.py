"""What every input becomes: the exact files a zip for one target is made of. Values only.

The vocabulary is PEP 751's (pylock.toml), after its markers have been evaluated for the target: one `Pin` a package.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct


class DistFile(Struct, frozen=True):
    """A wheel or source distribution that an index or a URL offers. `url` may be file://, and never holds credentials.

    `hashes` are (algorithm, hex digest) pairs; empty only where the lock or index gives none. `size` in bytes, if known.
    """

    filename: str
    url: str
    hashes: tuple[tuple[str, str], ...] = ()
    size: int | None = None


class Repository(Struct, frozen=True):
    """A commit of a version-controlled source: `url` without credentials and without "git+"."""

    url: str
    commit: str
    subdirectory: str = ""


class Pin(Struct, frozen=True):
    """One package at one version. `name` is normalised (PEP 503); what it can be had from is what is not empty.

    `folder` is a local source tree, `repository` a commit; both have to be built. `index` is the address that offered the
    files, without credentials: whose credentials a download needs is told by it. `asked` is true of what the user named,
    with the `extras` that count on the target.
    """

    name: str
    version: str
    wheels: tuple[DistFile, ...] = ()
    sdist: DistFile | None = None
    folder: Path | None = None
    repository: Repository | None = None
    index: str = ""
    asked: bool = False
    extras: tuple[str, ...] = ()


class Lock(Struct, frozen=True):
    """All packages of a zip for one target, sorted by name. `source` says where they were asked for ("uv.lock")."""

    source: str
    pins: tuple[Pin, ...]


class Wheel(Struct, frozen=True):
    """A wheel on this disk, verified. `sha256` is its content's, in hex; `built` is true when it was made on this machine."""

    name: str
    version: str
    filename: str
    path: Path
    sha256: str
    built: bool = False
    asked: bool = False
    extras: tuple[str, ...] = ()
