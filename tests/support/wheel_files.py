"""Wheels made by a test, and real ones from PyPI."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

from packaging.utils import canonicalize_name

from lambent.package.lock import Wheel
from lambent.package.target import Target

TARGET = Target("3.12", "x86_64", (2, 34))


def read_wheel(path: Path, requested: bool = False) -> Wheel:
    name, version, *_ = path.name.split("-")
    return Wheel(
        canonicalize_name(name), version, path.name, path, hashlib.sha256(path.read_bytes()).hexdigest(), requested=requested
    )


def wheel(
    folder: Path,
    name: str,
    files: dict[str, str | bytes],
    *,
    requires: tuple[str, ...] = (),
    requested: bool = False,
    version: str = "1",
) -> Wheel:
    """Write a pure wheel with these files, its metadata and its RECORD."""
    info = f"{name}-{version}.dist-info"
    dependencies = "".join(f"Requires-Dist: {line}\n" for line in requires)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{dependencies}\nabout\n"
    texts = {f"{info}/METADATA": metadata, f"{info}/WHEEL": "Wheel-Version: 1.0\n"} | files
    data = {path: text.encode() if isinstance(text, str) else text for path, text in texts.items()}
    lines = [f"{path},sha256={digest(content)},{len(content)}\n" for path, content in data.items()]
    data.setdefault(f"{info}/RECORD", "".join([*lines, f"{info}/RECORD,,\n"]).encode())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name_in_zip, content in data.items():
            zipped.writestr(name_in_zip, content)
    return read_wheel(path, requested)


def digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def download_wheels(folder: Path, *pins: str) -> list[Wheel]:
    """Download wheels for `TARGET` from PyPI, without their dependencies."""
    tags = [f"--platform=manylinux_2_{minor}_x86_64" for minor in (34, 28, 24, 17)]
    options = ["--no-deps", "--only-binary=:all:", "--python-version=3.12", "--platform=manylinux2014_x86_64", *tags]
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", *options, "-d", str(folder), *pins], check=True, capture_output=True
    )
    return [read_wheel(path) for path in sorted(folder.glob("*.whl"))]
