"""What came out of a build: is it for the target, and which tag may it carry?

A wheel that was built for Linux says "linux_aarch64" of itself, which tells nothing of the glibc it needs. It is given the
manylinux tag of the newest symbol that is found in it.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path

from msgspec import Struct

from lambent.errors import PackagingError
from lambent.package import elf
from lambent.package.proof import native_files
from lambent.package.target import Target
from lambent.package.wheels.native.toolchain import machine

_LEAST = (2, 17)  # the lowest manylinux tag that names its glibc


class Found(Struct, frozen=True):
    """The compiled files of a wheel: how many, and the newest glibc symbol version among them."""

    binaries: int
    glibc: tuple[int, int]


def inspect(wheel: Path, target: Target, name: str) -> Found:
    """Raises PackagingError naming the first file that would not load on the target."""
    with zipfile.ZipFile(wheel) as packed:
        names = [info.filename for info in packed.infolist() if not info.is_dir()]
        binaries = {path: found for path in names if (found := elf.read(packed.read(path))) is not None}
    natives = [native_files.Native(path, binary, name) for path, binary in binaries.items()]
    for finding in native_files.check(natives, names, target):
        if finding.level == "error":
            raise PackagingError(
                f"{name} was built, but it will not load: {finding.what}", where=finding.where, hint=finding.hint
            )
    return Found(len(binaries), max((_glibc(binary) for binary in binaries.values()), default=(0, 0)))


def _glibc(binary: elf.Binary) -> tuple[int, int]:
    newest = (0, 0)
    for _, version in binary.versions:
        family, number = elf.rank_of(version)
        if family == "GLIBC" and number:
            newest = max(newest, (number[0], number[1] if len(number) > 1 else 0))
    return newest


def retag(wheel: Path, target: Target, found: Found, folder: Path) -> Path:
    """A copy of the wheel in `folder` with the platform tag that is true of it, times fixed."""
    name, version, *build, python, abi, _ = wheel.name.removesuffix(".whl").split("-")
    platform = "manylinux_{}_{}_{}".format(*max(found.glibc, _LEAST), machine(target))
    path = folder / f"{'-'.join([name, version, *build, python, abi, platform])}.whl"
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        said = next(info.filename for info in old.infolist() if info.filename.endswith(".dist-info/WHEEL"))
        content = _with_tags(old.read(said).decode(), [f"{one}-{abi}-{platform}" for one in python.split(".")])
        for info in old.infolist():
            data = old.read(info)
            if info.filename == said:
                data = content
            elif info.filename == said.removesuffix("WHEEL") + "RECORD":
                data = _with_record(data.decode(), said, content)
            entry = zipfile.ZipInfo(info.filename)
            entry.external_attr, entry.compress_type = info.external_attr, zipfile.ZIP_DEFLATED
            new.writestr(entry, data)
    return path


def _with_tags(text: str, tags: list[str]) -> bytes:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("Tag:")]
    return "".join(f"{line}\n" for line in [*lines, *(f"Tag: {tag}" for tag in tags)]).encode()


def _with_record(text: str, path: str, content: bytes) -> bytes:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    lines = [f"{path},sha256={digest},{len(content)}" if line.startswith(f"{path},") else line for line in text.splitlines()]
    return "".join(f"{line}\n" for line in lines).encode()
