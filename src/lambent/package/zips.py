"""Where finished zips are kept, and for how long. Imports nothing that takes time: see again/."""

from __future__ import annotations

import os

_KEPT = 5


def place(folder: str, name: str, sha256: bytes) -> str:
    """Under the app's name and its content's digest."""
    return f"{folder}/{name}-{sha256.hex()[:16]}.zip"


def prune(folder: str, name: str, newest: str) -> None:
    """Keeps the last few zips of an app: another build may still be uploading one."""
    length = len(f"{name}-") + 16 + len(".zip")
    with os.scandir(folder) as entries:
        ours = [each for each in entries if len(each.name) == length and each.name.startswith(f"{name}-")]
    dated = []
    for each in ours:
        if each.path != newest and (seen := _date(each)):
            dated.append((seen, each.path))
    for _, path in sorted(dated, reverse=True)[_KEPT:]:
        try:
            os.unlink(path)
        except FileNotFoundError:  # another build was faster
            continue


def _date(entry: os.DirEntry[str]) -> int:
    """0 for one that is gone."""
    try:
        return entry.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
