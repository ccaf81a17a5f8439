"""Files that the user asked for by name (`--output`, `--report`)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from lambent import atomic
from lambent.errors import PackagingError, UsageError

_ZIP = b"PK"


def check(file: Path, option: str, magic: bytes = _ZIP) -> None:
    """Raise UsageError if `file` can't be written later, or would overwrite a file that doesn't begin with `magic`."""
    if not file.parent.is_dir():
        raise UsageError(f"no such folder: {file.parent}", where=option, hint=f"mkdir -p {file.parent}")
    if file.is_dir():
        raise UsageError(f"{file} is a folder", where=option, hint=f"{option} {file / 'app.zip'}")
    if file.exists() and not _begins_with(file, magic):
        hint = "use another name, or remove that file"
        raise UsageError(f"{file} exists, and isn't a file of the same kind", where=option, hint=hint)


def copy(source: Path, file: Path) -> None:
    """Copy `source` to `file`. Raises PackagingError, and then leaves an older file unchanged."""
    with _replacing(file) as output, source.open("rb") as opened:
        shutil.copyfileobj(opened, output)


def write(text: str, file: Path) -> None:
    """Write `text` to `file`. Raises PackagingError, and then leaves an older file unchanged."""
    with _replacing(file) as output:
        output.write(text.encode())


def _begins_with(file: Path, magic: bytes) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(len(magic)) in (magic, b"")
    except OSError:
        return False


@contextmanager
def _replacing(file: Path) -> Iterator[BinaryIO]:
    try:
        with atomic.replacing(file) as output:
            yield output
    except OSError as error:
        text = f"cannot write {file}: {error.strerror or error}"
        raise PackagingError(text, where=str(file), hint="free some disk space, or use another file name") from error
