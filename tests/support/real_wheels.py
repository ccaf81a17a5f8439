"""Real wheels for tests, installed for a target that may differ from this machine."""

from __future__ import annotations

import subprocess
from email.parser import Parser
from pathlib import Path

import uv
from msgspec import Struct

from lambent import elf
from lambent.package.proof.native_files import Native
from lambent.package.proof.package_requirements import Metadata

_GLIBC = {"x86_64": "x86_64-manylinux_2_34", "arm64": "aarch64-manylinux_2_34", "musl": "x86_64-unknown-linux-musl"}


class Installed(Struct, frozen=True):
    """Installed packages: `files` by path, and the package that each belongs to (`owners`)."""

    folder: Path
    files: dict[str, Path]
    owners: dict[str, str]
    metadata: tuple[Metadata, ...]

    def natives(self) -> tuple[Native, ...]:
        binaries = ((name, elf.read(path.read_bytes())) for name, path in self.files.items())
        return tuple(Native(name, binary, self.owners.get(name, "")) for name, binary in binaries if binary is not None)


def install(folder: Path, python: str, machine: str, *requirements: str) -> Installed:
    """Install packages for a target. `machine` is "x86_64", "arm64" or "musl" (x86_64 with musl)."""
    command = [
        uv.find_uv_bin(), "pip", "install", "--quiet", "--target", str(folder), "--python-version", python, "--link-mode",
        "copy", "--python-platform", _GLIBC[machine], "--only-binary", ":all:", "--no-deps", *requirements,
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=120)
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    owners, metadata = {}, []
    for info in folder.glob("*.dist-info"):
        head = Parser().parsestr((info / "METADATA").read_text("utf-8"), headersonly=True)
        for line in (info / "RECORD").read_text("utf-8").splitlines():
            owners[line.rsplit(",", 2)[0]] = f"{head['Name']} {head['Version']}"
        requires = tuple(head.get_all("Requires-Dist") or ())
        metadata.append(Metadata(head["Name"], head["Version"], requires, head["Requires-Python"] or ""))
    return Installed(folder, files, owners, tuple(metadata))
