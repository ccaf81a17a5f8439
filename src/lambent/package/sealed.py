"""What is worth keeping, with its digest: a damaged file counts as none."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from lambent.package.used import mark


def read(path: Path) -> Any:
    """What was written as JSON, or None when nothing was, or it is damaged."""
    body = read_bytes(path)
    try:
        return None if body is None else json.loads(body)
    except ValueError:
        return None


def write(path: Path, said: Any) -> None:
    """Raises OSError, and then leaves nothing half-written."""
    write_bytes(path, json.dumps(said, separators=(",", ":")).encode())


def read_bytes(path: Path) -> bytes | None:
    """What was written, or None when nothing was, or it is damaged."""
    try:
        digest, _, body = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return None
    mark(path)
    return body


def write_bytes(path: Path, body: bytes) -> None:
    """Raises OSError, and then leaves nothing half-written."""
    replace_file(path, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def replace_file(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all."""
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to be written that takes the place of `path` at the end, if all went well; else nothing is left of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
