"""Read a wheel's files straight from the zip, with the paths that an installer's `--target` gives them. Nothing is written.

`purelib`, `platlib` and `data` go to the target folder itself, scripts to bin/, headers to include/<package>/
(https://packaging.python.org/en/latest/specifications/binary-distribution-format/). The paths in the zip are not trusted: one
that leads outside or into lambent's runtime, a link, or a path that two files claim is an error. Contents are checked against
the wheel's own RECORD. As pip and uv do, files that it doesn't list are installed too: aws-psycopg2's lists 15 of 126.
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
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress

import deflate
from msgspec import Struct
from packaging.utils import canonicalize_name

from lambent.errors import PackagingError
from lambent.package.layout import is_runtime
from lambent.package.lock import Wheel

_LOCAL_HEADER_SIZE = 30  # before the name
_LENGTHS_AT = 26  # offset of the two lengths in it, of the name and of the extra field, two bytes each
_ENCRYPTED = 1
_VERIFIED = frozenset(["sha256", "sha384", "sha512"])  # the algorithms that the format allows in RECORD
_DRIVE = re.compile(r"^[A-Za-z]:")
LARGE = 64 << 20  # bytes of a file from which on it is never whole in memory, if it is only data
_PIECE = 1 << 20
_SCHEMES = {"purelib": "", "platlib": "", "data": "", "scripts": "bin/"}


class WheelFile(Struct, frozen=True):
    """A file to install: its path in the target folder, its member in the wheel, its size in bytes."""

    path: str
    member: str
    size: int
    executable: bool


class WheelReader:
    """An open wheel, for use in `with`; `files` are sorted by path. Raises PackagingError if the wheel is not sound."""

    def __init__(self, wheel: Wheel) -> None:
        self.wheel = wheel
        with wheel.path.open("rb") as file:
            try:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                self._zip = zipfile.ZipFile(wheel.path)
            except (ValueError, zipfile.BadZipFile) as error:
                raise self._error("it is not a zip") from error
        infos = [info for info in self._zip.infolist() if not info.is_dir()]
        self._infos = {info.filename: info for info in infos}
        self.dist_info = self._find_dist_info()
        self._record: Mapping[str, tuple[str, str]] = {}  # reading RECORD must not look into RECORD
        self._record = self._read_record()
        self.files = self._locate(infos)

    def read(self, member: str) -> bytes | bytearray:
        """Return the bytes of a member, checked against RECORD or the zip's own checksum."""
        info = self._infos[member]
        data = self._inflate(info)
        self._check(member, lambda algorithm: hashlib.new(algorithm, data), lambda: (deflate.crc32(data), len(data)))
        return data

    def read_deflated(self, member: str) -> tuple[bytes, int]:
        """Return a member's deflated bytes and its CRC-32, checked like `read`, but piece by piece. The member is `LARGE`."""
        packed = self.deflated(member)
        algorithm = self._record.get(member, ("", ""))[0]
        digest = hashlib.new(algorithm if algorithm in _VERIFIED else "sha256")
        crc = size = 0
        for piece in self._pieces(member, packed):
            digest.update(piece)
            crc, size = zlib.crc32(piece, crc), size + len(piece)
        self._check(member, lambda _: digest, lambda: (crc, size))
        return packed, crc

    def is_large_data(self, file: WheelFile) -> bool:
        """Return whether a file is large, deflated, and not native code."""
        info = self._infos[file.member]
        if info.file_size < LARGE or info.compress_type != zipfile.ZIP_DEFLATED or info.flag_bits & _ENCRYPTED:
            return False
        start = next(self._pieces(file.member, self.deflated(file.member)[:_PIECE]), b"")
        return not start.startswith(b"\x7fELF")

    def _pieces(self, member: str, packed: bytes) -> Iterator[bytes]:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            while packed and not inflater.eof:
                yield inflater.decompress(packed, _PIECE)
                packed = inflater.unconsumed_tail
        except zlib.error as error:
            raise self._error(f"cannot read {member}") from error

    def _check(self, member: str, digest_of: Callable[[str], hashlib._Hash], measure: Callable[[], tuple[int, int]]) -> None:
        """Raise PackagingError unless the content has RECORD's digest, or else the CRC-32 and size of the zip's directory."""
        algorithm, expected = self._record.get(member, ("", ""))
        if algorithm in _VERIFIED:
            digest = base64.urlsafe_b64encode(digest_of(algorithm).digest()).decode().rstrip("=")
            if digest != expected:
                raise self._error(f"{member} does not match its RECORD")
        elif measure() != (self._infos[member].CRC, self._infos[member].file_size):
            raise self._error(f"{member} is damaged")

    def _inflate(self, info: zipfile.ZipInfo) -> bytes | bytearray:
        if info.flag_bits & _ENCRYPTED:
            raise self._error(f"{info.filename} is encrypted")
        try:
            if info.compress_type == zipfile.ZIP_STORED:
                return self._packed(info)
            if info.compress_type == zipfile.ZIP_DEFLATED:
                return deflate.deflate_decompress(self._packed(info), info.file_size) if info.file_size else b""
            return self._zip.read(info)
        except (deflate.DeflateError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            raise self._error(f"cannot read {info.filename}") from error

    def deflated(self, member: str) -> bytes:
        """Return a member's deflated bytes as they are in the wheel, or b"" if it isn't deflated."""
        info = self._infos[member]
        return self._packed(info) if info.compress_type == zipfile.ZIP_DEFLATED else b""

    def _packed(self, info: zipfile.ZipInfo) -> bytes:
        start = info.header_offset + _LOCAL_HEADER_SIZE
        lengths = self._data[info.header_offset + _LENGTHS_AT : start]
        start += int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
        return self._data[start : start + info.compress_size]

    def metadata(self, name: str) -> bytes | bytearray:
        """Return a file of the .dist-info folder, empty if it doesn't exist."""
        member = f"{self.dist_info}/{name}"
        if member not in self._infos:
            return b""
        if self._infos[member].file_size > LARGE:
            raise self._error(f"{member} is too large")
        return self.read(member)

    def record_entry(self, member: str) -> str:
        """Return RECORD's "algorithm=digest,size" for a member, or "" if it has none."""
        algorithm, digest = self._record.get(member, ("", ""))
        return f"{algorithm}={digest},{self._infos[member].file_size}" if algorithm in _VERIFIED else ""

    def close(self) -> None:
        self._zip.close()
        self._data.close()

    def __enter__(self) -> WheelReader:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _find_dist_info(self) -> str:
        tops = {name.split("/", 1)[0] for name in self._infos if "/" in name}
        folders = sorted(top for top in tops if top.endswith(".dist-info"))
        matching = [
            name for name in folders if canonicalize_name(name.removesuffix(".dist-info").partition("-")[0]) == self.wheel.name
        ]
        if len(folders) != 1 and len(matching) != 1:
            raise self._error("it has no .dist-info folder of its own")
        return (matching or folders)[0]

    def _read_record(self) -> Mapping[str, tuple[str, str]]:
        try:
            lines = self.metadata("RECORD").decode("utf-8-sig").splitlines()
            rows = [row for row in csv.reader(lines) if row]
        except (UnicodeDecodeError, csv.Error) as error:
            raise self._error("cannot read its RECORD") from error
        return {row[0].replace("\\", "/"): _split_digest(row[1] if len(row) == 3 else "") for row in rows}

    def _locate(self, infos: Iterable[zipfile.ZipInfo]) -> tuple[WheelFile, ...]:
        files: dict[str, WheelFile] = {}
        for info in infos:
            self._check_path(info)
            path, is_script = self._install_path(info.filename)
            if is_runtime(path):
                raise self._error(f"{path} would become a part of lambent's runtime")
            if path in files and not self._are_equal(files[path], info):
                raise self._error(f"two different files would be installed as {path}")
            executable = bool(info.external_attr >> 16 & 0o111) or is_script
            files[path] = WheelFile(path, info.filename, info.file_size, executable)
        if conflicts := sorted(_parent_folders(files) & files.keys()):
            raise self._error(f"{conflicts[0]} is both a file and a folder")
        return tuple(files[path] for path in sorted(files))

    def _are_equal(self, file: WheelFile, info: zipfile.ZipInfo) -> bool:
        return max(file.size, info.file_size) < LARGE and self.read(file.member) == self.read(info.filename)

    def _install_path(self, member: str) -> tuple[str, bool]:
        """Return where a member is installed, and whether it is a script."""
        data_folder = f"{self.dist_info.removesuffix('.dist-info')}.data/"
        if not member.startswith(data_folder):
            return member, False
        scheme, _, rest = member.removeprefix(data_folder).partition("/")
        if scheme == "headers":
            return f"include/{self.wheel.name}/{rest}", False
        if scheme in _SCHEMES and rest:
            return _SCHEMES[scheme] + rest, scheme == "scripts"
        raise self._error(f"{member} is in an unknown .data folder")

    def _check_path(self, info: zipfile.ZipInfo) -> None:
        name = info.orig_filename  # zipfile cuts `filename` at a NUL and replaces backslashes
        parts = name.split("/")
        if "\0" in name or "\\" in name or _DRIVE.match(name) or any(part in ("", ".", "..") for part in parts):
            raise self._error(f"it contains an unsafe path: {name!r}")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise self._error(f"it contains a link: {name}")

    def _error(self, reason: str) -> PackagingError:
        return PackagingError(
            f"the wheel of {self.wheel.name} {self.wheel.version} cannot be used: {reason}",
            where=self.wheel.filename,
            hint=f"use another version of {self.wheel.name}, and report it to the package's authors",
        )


def _parent_folders(paths: Iterable[str]) -> set[str]:
    folders: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return folders


def _split_digest(digest: str) -> tuple[str, str]:
    """Return the algorithm and the digest in base64. uv 0.8 wrote hexadecimal digits instead (supabase 2.18)."""
    algorithm, _, value = digest.partition("=")
    algorithm = algorithm.lower()
    if algorithm in _VERIFIED and len(value) == 2 * hashlib.new(algorithm).digest_size:
        with suppress(ValueError):
            value = base64.urlsafe_b64encode(bytes.fromhex(value)).decode()
    return algorithm, value.rstrip("=")
