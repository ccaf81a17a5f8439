"""Check that a natively built wheel loads on the target, and give it the right platform tag.

A wheel built on Linux calls itself "linux_aarch64", which says nothing about the glibc it needs. It gets the manylinux tag
of the newest glibc symbol in it.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path

from msgspec import Struct

from lambent import elf
from lambent.errors import PackagingError
from lambent.package.proof import native_files
from lambent.package.target import Target
from lambent.package.wheels.tags import machine

_GLIBC_MIN = (2, 17)  # the lowest manylinux tag with a glibc version in its name


class NativeContent(Struct, frozen=True):
    """The compiled files of a wheel: their number, and the newest glibc symbol version among them."""

    binaries: int
    glibc: tuple[int, int]


def audit(wheel: Path, target: Target, package: str) -> NativeContent:
    """Return the native content of a wheel. Raises PackagingError for the first file that would not load on the target."""
    with zipfile.ZipFile(wheel) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
        binaries = {name: binary for name in names if (binary := elf.read(archive.read(name))) is not None}
    natives = [native_files.Native(name, binary, package) for name, binary in binaries.items()]
    for finding in native_files.check(natives, names, target):
        if finding.level == "error":
            raise PackagingError(
                f"{package} was built, but it would not load: {finding.what}", where=finding.where, hint=finding.hint
            )
    return NativeContent(len(binaries), max((_glibc_version(binary) for binary in binaries.values()), default=(0, 0)))


def _glibc_version(binary: elf.Binary) -> tuple[int, int]:
    newest = (0, 0)
    for _, version in binary.versions:
        family, number = elf.rank_of(version)
        if family == "GLIBC" and number:
            newest = max(newest, (number[0], number[1] if len(number) > 1 else 0))
    return newest


def retag(wheel: Path, target: Target, content: NativeContent, folder: Path) -> Path:
    """Write a copy of the wheel with its real platform tag and fixed dates into `folder`, and return its path."""
    name, version, *build, python, abi, _ = wheel.name.removesuffix(".whl").split("-")
    platform = "manylinux_{}_{}_{}".format(*max(content.glibc, _GLIBC_MIN), machine(target))
    path = folder / f"{'-'.join([name, version, *build, python, abi, platform])}.whl"
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as destination:
        metadata = next(info.filename for info in source.infolist() if info.filename.endswith(".dist-info/WHEEL"))
        tagged = _with_tags(source.read(metadata).decode(), [f"{tag}-{abi}-{platform}" for tag in python.split(".")])
        for info in source.infolist():
            data = source.read(info)
            if info.filename == metadata:
                data = tagged
            elif info.filename == metadata.removesuffix("WHEEL") + "RECORD":
                data = _with_record(data.decode(), metadata, tagged)
            entry = zipfile.ZipInfo(info.filename)
            entry.external_attr, entry.compress_type = info.external_attr, zipfile.ZIP_DEFLATED
            destination.writestr(entry, data)
    return path


def _with_tags(text: str, tags: list[str]) -> bytes:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("Tag:")]
    return "".join(f"{line}\n" for line in [*lines, *(f"Tag: {tag}" for tag in tags)]).encode()


def _with_record(text: str, path: str, content: bytes) -> bytes:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    lines = [f"{path},sha256={digest},{len(content)}" if line.startswith(f"{path},") else line for line in text.splitlines()]
    return "".join(f"{line}\n" for line in lines).encode()
