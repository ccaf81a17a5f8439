"""Files the user asked for by name: whole or not there at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from lambent.errors import PackagingError, UsageError

_ZIP = b"PK"


def check(file: Path, option: str, magic: bytes = _ZIP) -> None:
    """Whether `file` could be written later. Raises UsageError where that cannot be, or another kind of file stands there."""
    if not file.parent.is_dir():
        raise UsageError(f"no such folder: {file.parent}", where=option, hint=f"mkdir -p {file.parent}")
    if file.is_dir():
        raise UsageError(f"{file} is a folder", where=option, hint=f"{option} {file / 'app.zip'}")
    if file.exists() and not _begins(file, magic):
        raise UsageError(
            f"{file} is there already, and is not such a file", where=option, hint="give another name, or remove it"
        )


def copy(source: Path, file: Path) -> None:
    """Puts a copy of `source` at `file`. Raises PackagingError, and leaves what was there, if that cannot be done."""
    _replace(file, lambda temporary: shutil.copyfile(source, temporary))


def write(text: str, file: Path) -> None:
    """Puts `text` at `file`. Raises PackagingError, and leaves what was there, if that cannot be done."""
    _replace(file, lambda temporary: Path(temporary).write_text(text, "utf-8"))


def _begins(file: Path, magic: bytes) -> bool:
    try:
        with file.open("rb") as found:
            return found.read(len(magic)) in (magic, b"")
    except OSError:
        return False


def _replace(file: Path, fill: Callable[[str], object]) -> None:
    try:
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name[:40]}-")
        os.close(handle)
        try:
            fill(temporary)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(file)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        text = f"cannot write {file}: {error.strerror or error}"
        raise PackagingError(text, where=str(file), hint="make room there, or name another file") from error
