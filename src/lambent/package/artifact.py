"""The result of a build: a zip on disk, and what Lambda needs to know to run it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from lambent.events import Overflowed
from lambent.lazy import LazyModule
from lambent.limits import MIB, TMP_MIN_MB
from lambent.module_packages import ADD
from lambent.package.layout import is_runtime
from lambent.units import size

if TYPE_CHECKING:
    from lambent.package import changed_files
    from lambent.package.archive import Entry
else:
    changed_files = LazyModule("lambent.package.changed_files")

OVERFLOW = "LAMBENT_OVERFLOW"
WRITABLE = ("LAMBENT_WRITABLE", "1")
"""The environment variable of a function whose app runs from a copy in /tmp, because it writes next to its code."""
_HALF_PAGE = 2048
_OWN_TMP = 128 * MIB  # for what the app writes
_STEP = 64 * MIB
_IN_TRACEBACKS = (".py", ".html", ".jinja", ".jinja2", ".j2", ".mako")


class Overflow(Struct, frozen=True):
    """A second archive, of the packages that don't fit into the zip. `sha256` is in hex, sizes are in bytes.

    The environment variable `OVERFLOW` names its location ("s3://bucket/key").
    """

    path: Path
    sha256: str
    zipped: int
    raw: int
    files: int
    packages: tuple[str, ...]
    entries: tuple[Entry, ...] = ()

    @property
    def unpacked(self) -> int:
        """The bytes of /tmp that its files take, in whole pages."""
        return self.raw + self.files * _HALF_PAGE

    @property
    def tmp_mb(self) -> int:
        """The MB of /tmp that it needs, with space for what the app writes."""
        return _tmp_mb(self.unpacked)

    @property
    def event(self) -> Overflowed:
        return Overflowed(str(self.path), self.packages, self.zipped, self.raw, self.files, self.tmp_mb)

    @property
    def summary(self) -> str:
        """Its packages, and what they cost: "torch 2.4: fetched to /tmp at each start, 891.2 MB unpacked"."""
        return f"{', '.join(self.packages)}: fetched to /tmp at each start, {size(self.raw)} unpacked"


class Artifact(Struct, frozen=True):
    """A Lambda zip. `sha256` is in base64, as in AWS's CodeSha256; sizes are in bytes.

    To run the zip, a function needs this `handler` and `environment` (the exec wrapper of a web app); the user's own
    environment variables take precedence. `owners` names the package ("numpy 2.4.1") of each file that a dependency brought,
    `entries` are all members. `local_packages` are the folders of required packages that are on this machine. `add_command`
    says how to add a package to the app's requirements.
    """

    path: Path
    sha256: str
    zipped: int
    raw: int
    files: int
    runtime: str
    architecture: str
    handler: str
    environment: tuple[tuple[str, str], ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)
    overflow: Overflow | None = None
    entries: tuple[Entry, ...] = ()
    local_packages: frozenset[Path] = frozenset()
    add_command: str = ADD

    @property
    def tmp_mb(self) -> int:
        """The MB of /tmp for packages that are unpacked and own files that are copied there, and for what the app writes."""
        copied = (
            [entry.raw + _HALF_PAGE for entry in self.entries if self._is_own(entry)] if WRITABLE in self.environment else []
        )
        return _tmp_mb(sum(copied) + (self.overflow.unpacked if self.overflow else 0))

    @property
    def own_names(self) -> frozenset[str]:
        """The folders and modules at the top of the zip that are the app's own, or hold its templates: "shop", "app.py"."""
        names = (entry.name for entry in self.entries if entry.name.endswith(_IN_TRACEBACKS) and self._is_own(entry))
        return frozenset(name.partition("/")[0] for name in names)

    @property
    def all_packages(self) -> frozenset[str]:
        """The names of the packages that the function has, in lower case with hyphens."""
        packages = {*self.owners.values(), *(self.overflow.packages if self.overflow else ())}
        return frozenset(package.partition(" ")[0].lower().replace("_", "-") for package in packages)

    def changes_since(self, sha256: str) -> str:
        """Return which files differ from those of the zip with this CodeSha256, "" if that zip isn't in the cache."""
        return changed_files.changed_files(self.path, self.entries, self.owners, sha256)

    def _is_own(self, entry: Entry) -> bool:
        return entry.name not in self.owners and not is_runtime(entry.name)

    def as_writable(self) -> Artifact:
        """Return the same zip for a function that runs the app from a copy in /tmp."""
        return replace(self, environment=(*(pair for pair in self.environment if pair != WRITABLE), WRITABLE))


def _tmp_mb(used: int) -> int:
    return max(TMP_MIN_MB, -(-(used + _OWN_TMP) // _STEP) * (_STEP // MIB))
