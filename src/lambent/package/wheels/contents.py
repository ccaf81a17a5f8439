"""Whether a file is the wheel of the package that it was taken for, and what is in it."""

from __future__ import annotations

import re
from pathlib import Path

from lambent.errors import PackagingError


def normalised(name: str) -> str:
    """A package's name as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def check_wheel(path: Path, filename: str, name: str, version: str) -> None:
    """Raises PackagingError unless the archive at `path` is a wheel of that name and version ("" is any)."""
    if not filename.endswith(".whl"):
        return
    import zipfile  # a rebuild needs none

    package = f"{name} {version}".strip()
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise PackagingError(
            f"{package}: {filename} is no wheel: {error}", where=filename, hint="check the index; it gave this file"
        ) from error
    found = {entry.split("/")[0] for entry in names if entry.split("/")[0].endswith(".dist-info")}
    if len(found) != 1:
        raise PackagingError(
            f"{package}: {filename} has {len(found) or 'no'} .dist-info folders, and a wheel has one",
            where=filename,
            hint="report it to the package's authors, or use another version",
        )
    there, _, number = found.pop().removesuffix(".dist-info").rpartition("-")
    if normalised(there) != normalised(name) or not _same_version(number, version):
        raise PackagingError(
            f"{package}: {filename} holds {there} {number}", where=filename, hint="lock again, or check the index"
        )


def _same_version(one: str, other: str) -> bool:
    if not other or one == other:
        return True
    from packaging.version import InvalidVersion, Version

    try:
        return Version(one.replace("_", "-")) == Version(other)
    except InvalidVersion:
        return False
