"""Check that a downloaded file is the one that was locked: its hashes, and the package and version inside it."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from lambent.errors import PackagingError
from lambent.lazy import LazyModule
from lambent.package.lock import DistFile

if TYPE_CHECKING:
    from packaging import utils, version
else:  # 40 ms, which a build without a new wheel saves
    utils, version = LazyModule("packaging.utils"), LazyModule("packaging.version")

_ALGORITHMS = ("sha512", "sha384", "sha256", "sha3_512", "sha3_384", "sha3_256", "blake2b", "sha224", "sha1", "md5")


class HashCheck:
    """The hashes of a file while it arrives: SHA-256, which the store is keyed by, and each that the lock gives."""

    def __init__(self, file: DistFile) -> None:
        self._expected = {algorithm: digest.lower() for algorithm, digest in file.hashes if algorithm in _ALGORITHMS}
        self.restart()

    @property
    def has_expected(self) -> bool:
        """Whether the lock gives a hash that Python can compute."""
        return bool(self._expected)

    def restart(self) -> None:
        self._hashers = {name: _hasher(name, self._expected.get(name, "")) for name in {"sha256", *self._expected}}

    def update(self, data: bytes) -> None:
        for hasher in self._hashers.values():
            hasher.update(data)

    @property
    def sha256(self) -> str:
        return self._hashers["sha256"].hexdigest()

    def mismatch(self) -> tuple[str, str] | None:
        """Return the first hash that differs as (expected, actual), each "sha256:...", or None if all match."""
        for name in sorted(self._expected):
            actual = self._hashers[name].hexdigest()
            if actual != self._expected[name]:
                return f"{name}:{self._expected[name]}", f"{name}:{actual}"
        return None


def _hasher(algorithm: str, expected: str) -> hashlib._Hash:
    if algorithm == "blake2b" and expected:  # indexes use 32 bytes of it, other tools 64
        return hashlib.blake2b(digest_size=max(1, min(64, len(expected) // 2)))  # type: ignore[return-value]
    return hashlib.new(algorithm, usedforsecurity=False)


def verify_wheel(path: Path, filename: str, name: str, required_version: str) -> None:
    """Check that the archive at `path` is a wheel of that package and version ("" for any). Raises PackagingError."""
    if not filename.endswith(".whl"):
        return
    package = f"{name} {required_version}".strip()
    try:
        with zipfile.ZipFile(path) as archive:
            folders = {member.split("/")[0] for member in archive.namelist()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise PackagingError(
            f"{package}: {filename} is not a wheel: {error}", where=filename, hint="check the index that serves this file"
        ) from error
    dist_infos = [folder for folder in folders if folder.endswith(".dist-info")]
    if len(dist_infos) != 1:
        raise PackagingError(
            f"{package}: {filename} has {len(dist_infos) or 'no'} .dist-info folders, but a wheel has exactly one",
            where=filename,
            hint="report it to the package's authors, or use another version",
        )
    wheel_name, _, wheel_version = dist_infos[0].removesuffix(".dist-info").rpartition("-")
    same_name = utils.canonicalize_name(wheel_name) == utils.canonicalize_name(name)
    if not same_name or not _same_version(wheel_version, required_version):
        raise PackagingError(
            f"{package}: {filename} contains {wheel_name} {wheel_version}",
            where=filename,
            hint="lock again, or check the index",
        )


def _same_version(one: str, other: str) -> bool:
    if not other or one == other:
        return True
    try:
        return version.Version(one.replace("_", "-")) == version.Version(other)
    except version.InvalidVersion:
        return False
