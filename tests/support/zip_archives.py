"""Zips and folders as no tool would write them."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path


def archive(*members: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zip_file:
        for info, content in members:
            zip_file.writestr(info, content)
            if isinstance(info, zipfile.ZipInfo) and info.create_system == 0:
                info.external_attr = 0  # writestr puts 0600 there; Windows tools leave it empty
    return buffer.getvalue()


def member(name: str, mode: int = 0o100644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def make_deep(folder: Path, levels: int) -> None:
    """Create nested folders, deeper than the longest path that can be opened, with a file and a read-only folder in each."""
    folder.mkdir()
    current = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, 0o400, dir_fd=current))
        os.mkdir("level", dir_fd=current)
        following = os.open("level", os.O_RDONLY, dir_fd=current)
        os.fchmod(current, 0o500)
        os.close(current)
        current = following
    os.close(current)
