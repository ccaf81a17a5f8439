"""A wheel's files where an installer's `--target` would put them, read straight from the zip. Nothing is written.

`purelib` and `platlib` are the target folder itself, `data` is too, scripts go to bin/, headers to include/<package>/
(https://packaging.python.org/en/latest/specifications/binary-distribution-format/). What the zip says about paths is not
trusted: one that leads outside, a link, or a path that two files want is an error, not a surprise. Contents are checked
against the wheel's own RECORD.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import mmap
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable, Mapping

import deflate
from msgspec import Struct
from packaging.utils import canonicalize_name

from lambent.errors import PackagingError
from lambent.package.lock import Wheel

_LOCAL = 30  # bytes of a local file header before its name
_LENGTHS = 26  # where in it the lengths of name and extra field are, two bytes each
_ENCRYPTED = 1
_CHECKED = frozenset(["sha256", "sha384", "sha512"])  # what the format allows in RECORD
_DRIVE = re.compile(r"^[A-Za-z]:")
_SCHEMES = {"purelib": "", "platlib": "", "data": "", "scripts": "bin/"}


class Place(Struct, frozen=True):
    """A file to be installed: its path below the target, its member in the wheel, its size in bytes."""

    name: str
    member: str
    size: int
    executable: bool


class Unpacked:
    """An open wheel: `places` sorted by path. Use as a context; raises PackagingError for what is not a sound wheel."""

    def __init__(self, wheel: Wheel) -> None:
        self.wheel = wheel
        with wheel.path.open("rb") as file:
            try:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                self._zip = zipfile.ZipFile(wheel.path)
            except (ValueError, zipfile.BadZipFile) as error:
                raise self._broken("it is not a zip") from error
        infos = [info for info in self._zip.infolist() if not info.is_dir()]
        self._infos = {info.filename: info for info in infos}
        self.dist_info = self._dist_info()
        self._record: Mapping[str, tuple[str, str]] = {}  # until it is read, which needs it
        self._record = self._read_record()
        self.places = self._place(infos)

    def read(self, member: str) -> bytes | bytearray:
        """The bytes of a member, checked against RECORD and the zip's own checksum."""
        info = self._infos[member]
        packed = self._packed(info)
        data: bytes | bytearray
        try:
            if info.flag_bits & _ENCRYPTED:
                raise self._broken(f"{member} is encrypted")
            if info.compress_type == zipfile.ZIP_STORED:
                data = packed
            elif info.compress_type == zipfile.ZIP_DEFLATED:
                data = deflate.deflate_decompress(packed, info.file_size) if info.file_size else b""
            else:
                data = self._zip.read(info)
        except (deflate.DeflateError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            raise self._broken(f"{member} cannot be read") from error
        algorithm, expected = self._record.get(member, ("", ""))
        if algorithm in _CHECKED:
            digest = base64.urlsafe_b64encode(hashlib.new(algorithm, data).digest()).decode().rstrip("=")
            if digest != expected.rstrip("="):
                raise self._broken(f"{member} is not what its RECORD says")
        elif deflate.crc32(data) != info.CRC or len(data) != info.file_size:
            raise self._broken(f"{member} is damaged")
        return data

    def deflated(self, member: str) -> bytes:
        """A member as it is in the wheel, where that is deflated; else nothing. What it inflates to is what `read` gives."""
        info = self._infos[member]
        return self._packed(info) if info.compress_type == zipfile.ZIP_DEFLATED else b""

    def _packed(self, info: zipfile.ZipInfo) -> bytes:
        start = info.header_offset + _LOCAL
        head = self._data[start - _LOCAL + _LENGTHS : start]
        start += int.from_bytes(head[:2], "little") + int.from_bytes(head[2:], "little")
        return self._data[start : start + info.compress_size]

    def metadata(self, name: str) -> bytes | bytearray:
        """A file of the .dist-info folder, empty when there is none."""
        member = f"{self.dist_info}/{name}"
        return self.read(member) if member in self._infos else b""

    def recorded(self, member: str) -> str:
        """RECORD's line for a member after its path: "algorithm=digest,size", or "" when it has none to keep."""
        algorithm, digest = self._record.get(member, ("", ""))
        return f"{algorithm}={digest},{self._infos[member].file_size}" if algorithm in _CHECKED else ""

    def close(self) -> None:
        self._zip.close()
        self._data.close()

    def __enter__(self) -> Unpacked:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _dist_info(self) -> str:
        found = {name.split("/", 1)[0] for name in self._infos if name.split("/", 1)[0].endswith(".dist-info") and "/" in name}
        ours = [
            name for name in found if canonicalize_name(name.removesuffix(".dist-info").partition("-")[0]) == self.wheel.name
        ]
        if len(found) != 1 and len(ours) != 1:
            raise self._broken("it has no .dist-info folder of its own")
        return (ours or sorted(found))[0]

    def _read_record(self) -> Mapping[str, tuple[str, str]]:
        try:
            lines = self.metadata("RECORD").decode("utf-8-sig").splitlines()
            rows = [row for row in csv.reader(lines) if len(row) == 3 and row[1]]
        except (UnicodeDecodeError, csv.Error) as error:
            raise self._broken("its RECORD cannot be read") from error
        return {row[0].replace("\\", "/"): _split(row[1]) for row in rows}

    def _place(self, infos: Iterable[zipfile.ZipInfo]) -> tuple[Place, ...]:
        data = f"{self.dist_info.removesuffix('.dist-info')}.data/"
        placed: dict[str, Place] = {}
        for info in infos:
            self._check(info)
            name = info.filename
            executable = bool(info.external_attr >> 16 & 0o111)
            if name.startswith(data):
                scheme, _, rest = name.removeprefix(data).partition("/")
                if scheme == "headers":
                    name = f"include/{self.wheel.name}/{rest}"
                elif scheme in _SCHEMES and rest:
                    name = _SCHEMES[scheme] + rest
                else:
                    raise self._broken(f"{name} has no place")
                executable |= scheme == "scripts"
            if name in placed and self.read(placed[name].member) != self.read(info.filename):
                raise self._broken(f"two files want to be {name}")
            placed[name] = Place(name, info.filename, info.file_size, executable)
        if taken := sorted(_folders(placed) & placed.keys()):
            raise self._broken(f"{taken[0]} is both a file and a folder")
        return tuple(placed[name] for name in sorted(placed))

    def _check(self, info: zipfile.ZipInfo) -> None:
        name = info.orig_filename  # zipfile cuts at a NUL and turns backslashes
        parts = name.split("/")
        if "\0" in name or "\\" in name or _DRIVE.match(name) or any(part in ("", ".", "..") for part in parts):
            raise self._broken(f"it holds an unsafe path: {name!r}")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise self._broken(f"it holds a link: {name}")

    def _broken(self, why: str) -> PackagingError:
        return PackagingError(
            f"the wheel of {self.wheel.name} {self.wheel.version} cannot be used: {why}",
            where=self.wheel.filename,
            hint=f"ask for another version of {self.wheel.name}, and tell its authors",
        )


def _folders(names: Iterable[str]) -> set[str]:
    folders: set[str] = set()
    for name in names:
        folder = name.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return folders


def _split(digest: str) -> tuple[str, str]:
    algorithm, _, value = digest.partition("=")
    return algorithm.lower(), value
