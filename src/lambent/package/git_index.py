"""Which files git tracks, read from its index. A .gitignore doesn't concern them.

Format: https://git-scm.com/docs/index-format. An index that can't be read is like none: then the rules of .gitignore decide.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

_HEADER = struct.Struct(">4sII")
_FIXED = 62  # bytes of an entry before its name: dates, sizes, 20 bytes of SHA-1, and flags
_FLAGS = struct.Struct(">H")
_EXTENDED = 0x4000


class TrackedFiles:
    """The files that git tracks below a folder. The index is only read when it is asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, path: str) -> bool:
        """Whether git tracks a file, or for a path with a slash at its end, anything in that folder."""
        return path in (self._folders if path.endswith("/") else self._files)

    @cached_property
    def _files(self) -> frozenset[str]:
        for root in (self._folder, *self._folder.parents):
            if (root / ".git").exists():
                prefix = "" if root == self._folder else f"{self._folder.relative_to(root).as_posix()}/"
                return frozenset(name.removeprefix(prefix) for name in _names(root / ".git") if name.startswith(prefix))
        return frozenset()

    @cached_property
    def _folders(self) -> frozenset[str]:
        folders: set[str] = set()
        for name in self._files:
            folder = name.rpartition("/")[0]
            while folder and f"{folder}/" not in folders:
                folders.add(f"{folder}/")
                folder = folder.rpartition("/")[0]
        return frozenset(folders)


def _names(git: Path) -> list[str]:
    """Return the paths in the index of a repository, a worktree or a submodule, whose .git is a file."""
    try:
        if git.is_file():
            git = git.parent / git.read_text("utf-8").removeprefix("gitdir:").strip()
        return [name.decode("utf-8", "surrogateescape") for name in _entries((git / "index").read_bytes())]
    except (OSError, ValueError, struct.error):
        return []


def _entries(data: bytes) -> Iterator[bytes]:
    """Yield the names in an index. Raises ValueError or struct.error for one that can't be read."""
    signature, version, count = _HEADER.unpack_from(data)
    if signature != b"DIRC" or version not in (2, 3, 4):
        raise ValueError(f"not an index of git: {signature!r}, version {version}")
    position, name = _HEADER.size, b""
    for _ in range(count):
        start, position = position, position + _FIXED
        (flags,) = _FLAGS.unpack_from(data, position - _FLAGS.size)
        position += _FLAGS.size if flags & _EXTENDED else 0
        shared = 0
        if version == 4:  # a name starts with a part of the one before it
            removed, position = _variable_number(data, position)
            shared = len(name) - removed
        end = data.index(b"\0", position)
        name = name[:shared] + data[position:end]
        position = end + 1 if version == 4 else start + ((end - start) // 8 + 1) * 8
        yield name


def _variable_number(data: bytes, position: int) -> tuple[int, int]:
    """Return a number of variable length, and the position after it."""
    value = data[position] & 0x7F
    while data[position] & 0x80:
        position += 1
        value = ((value + 1) << 7) | (data[position] & 0x7F)
    return value, position + 1
