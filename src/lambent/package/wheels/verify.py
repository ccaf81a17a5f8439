"""The digests of a file that arrives bit by bit, against those that were promised."""

from __future__ import annotations

import hashlib

from lambent.package.lock import DistFile

_KNOWN = ("sha512", "sha384", "sha256", "sha3_512", "sha3_384", "sha3_256", "blake2b", "sha224", "sha1", "md5")


class Digests:
    """SHA-256, by which the store names files, and each algorithm that the lock gives and Python knows."""

    def __init__(self, file: DistFile) -> None:
        self._promised = {algorithm: digest.lower() for algorithm, digest in file.hashes if algorithm in _KNOWN}
        self.restart()

    @property
    def promised(self) -> bool:
        """Whether there is anything to compare with."""
        return bool(self._promised)

    def restart(self) -> None:
        self._running = {name: _new(name, self._promised.get(name, "")) for name in {"sha256", *self._promised}}

    def update(self, data: bytes) -> None:
        for running in self._running.values():
            running.update(data)

    @property
    def sha256(self) -> str:
        return self._running["sha256"].hexdigest()

    def wrong(self) -> tuple[str, str] | None:
        """The first digest that is not as promised, as (expected, got), each "sha256:..."; None when all are right."""
        for name in sorted(self._promised):
            got = self._running[name].hexdigest()
            if got != self._promised[name]:
                return f"{name}:{self._promised[name]}", f"{name}:{got}"
        return None


def _new(algorithm: str, promised: str) -> hashlib._Hash:
    if algorithm == "blake2b" and promised:  # indexes give 32 bytes of it, other tools 64
        return hashlib.blake2b(digest_size=max(1, min(64, len(promised) // 2)))  # type: ignore[return-value]
    return hashlib.new(algorithm, usedforsecurity=False)
