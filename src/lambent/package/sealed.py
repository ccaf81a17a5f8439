"""What is worth keeping, as JSON with its digest: a damaged file counts as none."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any


def read(path: Path) -> Any:
    """What was written, or None when nothing was, or it is damaged."""
    try:
        digest, _, body = path.read_bytes().partition(b"\n")
        return json.loads(body) if hashlib.sha256(body).hexdigest().encode() == digest else None
    except (OSError, ValueError):
        return None


def write(path: Path, said: Any) -> None:
    """Raises OSError, and then leaves nothing half-written."""
    body = json.dumps(said, separators=(",", ":")).encode()
    replace_file(path, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def replace_file(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
