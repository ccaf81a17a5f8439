"""Zips as no tool would write them."""

from __future__ import annotations

import io
import zipfile


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
