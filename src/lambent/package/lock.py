"""The exact files that a zip for one target is made of. Every source of requirements becomes a `Lock`.

The vocabulary is PEP 751's (pylock.toml) after its markers were evaluated for the target: one `Pin` for each package.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct


class DistFile(Struct, frozen=True, array_like=True):
    """A wheel or source distribution at an index or a URL. `url` may be file:// and never holds credentials.

    `hashes` are (algorithm, hex digest) pairs, empty if neither lock nor index has any. `size` is in bytes, if known.
    """

    filename: str
    url: str
    hashes: tuple[tuple[str, str], ...] = ()
    size: int | None = None


class Repository(Struct, frozen=True, array_like=True):
    """A commit in version control: `url` without credentials and without "git+"."""

    url: str
    commit: str
    subdirectory: str = ""


class Pin(Struct, frozen=True, omit_defaults=True):
    """One package at one version. `name` is normalized (PEP 503). The fields that are set say where it comes from.

    `folder` is a local source tree and `repository` a commit. Both must be built. `index` is the URL, without credentials,
    of the index that has the files: it decides which credentials a download uses. `requested` is true if the user's own
    requirements name the package, and `extras` are the extras they ask for on the target.
    """

    name: str
    version: str
    wheels: tuple[DistFile, ...] = ()
    sdist: DistFile | None = None
    folder: Path | None = None
    repository: Repository | None = None
    index: str = ""
    requested: bool = False
    extras: tuple[str, ...] = ()


class Lock(Struct, frozen=True):
    """All packages of a zip for one target, sorted by name. `source` names the file that requires them ("uv.lock").

    `omitted` are the packages that it requires and that the zip doesn't need.
    """

    source: str
    pins: tuple[Pin, ...]
    omitted: tuple[str, ...] = ()


class Wheel(Struct, frozen=True):
    """A verified wheel on this disk. `sha256` is in hex. `built` is true if it was built on this machine."""

    name: str
    version: str
    filename: str
    path: Path
    sha256: str
    built: bool = False
    requested: bool = False
    extras: tuple[str, ...] = ()
