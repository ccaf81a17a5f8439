"""What is in the place of a file or folder, and is something else."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def place(kind: str, path: Path) -> None:
    """Put something else where a file or folder of the service belongs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    match kind:
        case "folder":
            path.mkdir()
        case "file":
            path.touch()
        case "fifo":
            os.mkfifo(path)
        case "socket":
            os.mknod(path, stat.S_IFSOCK | 0o600)
        case "device":
            path.symlink_to("/dev/zero")
        case "dangling" | "loop":
            path.symlink_to("/nowhere" if kind == "dangling" else path)
        case "unreadable":
            path.touch(0o000)
