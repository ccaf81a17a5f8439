"""The one thing that leaves `package/`: a zip on disk and what is known about it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from lambent.events import Overflowed
from lambent.limits import MIB, TMP_MIN_MB

if TYPE_CHECKING:
    from lambent.package.archive import Entry

OVERFLOW = "LAMBENT_OVERFLOW"
_HALF_PAGE = 2048
_OWN_TMP = 128 * MIB
_STEP = 64 * MIB


class Overflow(Struct, frozen=True):
    """A second archive, of the packages that did not fit into the zip. `sha256` is hex; sizes are in bytes.

    It is to be where the function's environment says in `OVERFLOW` ("s3://bucket/key"), and takes `tmp_mb` of /tmp: the
    unpacked files, whole pages each, and room for what the app puts there itself.
    """

    path: Path
    sha256: str
    zipped: int
    raw: int
    files: int
    packages: tuple[str, ...]
    entries: tuple[Entry, ...] = ()

    @property
    def tmp_mb(self) -> int:
        most = self.raw + self.files * _HALF_PAGE + _OWN_TMP
        return max(TMP_MIN_MB, -(-most // _STEP) * (_STEP // MIB))

    @property
    def event(self) -> Overflowed:
        return Overflowed(str(self.path), self.packages, self.zipped, self.raw, self.files, self.tmp_mb)

    @property
    def told(self) -> str:
        """In a few words: what it is, and what it asks for."""
        return f"{', '.join(self.packages)}: fetched into /tmp at each start, {self.raw / MIB:.0f} MB unpacked"


class Artifact(Struct, frozen=True):
    """A Lambda zip. `sha256` is the base64 form that AWS calls CodeSha256; sizes are in bytes.

    `handler` is what Lambda's Handler must be, and `environment` what the function's environment must hold for this zip to
    run (the exec wrapper of a web app); the deployer merges it under the user's own. `owners` names the package ("numpy 2.4.1")
    of each file that a dependency brought, `entries` are all members.
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
