"""The checksum at the end of what is cached, by which a damaged file is found when it is opened."""

from __future__ import annotations

from typing import BinaryIO

import deflate


class Sealing:
    """A file that is written to, with the CRC-32 of all that was."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.checksum = 0

    def write(self, data: bytes | memoryview) -> int:
        self.checksum = deflate.crc32(data, self.checksum)
        return self._file.write(data)


def seal(checksum: int) -> bytes:
    return f"lambent {checksum:08x}".encode()
