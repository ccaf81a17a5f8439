"""The state folder: what is in it, and that nobody else can read it."""

from __future__ import annotations

import os
from pathlib import Path

from lambent.errors import LocalError
from lambent.private_folder import make_private, withdraw_permissions

_FILES = (
    "lambda.sqlite",
    "lambda.sqlite-shm",
    "lambda.sqlite-wal",
    "logs.sqlite",
    "logs.sqlite-shm",
    "logs.sqlite-wal",
    "neighbours/journal.jsonl",
    "neighbours/journal.unreadable.jsonl",
    "service.json",
    "service.lock",
    "service.log",
    "service.old.log",
    "start.lock",
)
_FOLDERS = ("code", "neighbours", "neighbours/bodies", "neighbours/objects")
_OTHER_FOLDERS = ("bytecode", "environments")
_PREFIXES = ("lambda.sqlite", "logs.sqlite", "service.", "secret", ".new-")


def make_folder(state: Path) -> Path:
    """Create the state folder if necessary, and return its absolute path. Only its owner may enter it. Raises LocalError."""
    try:
        make_private(state, _is_ours)
    except OSError as error:
        hint = "use another folder: --state DIR"
        raise LocalError(f"can't create the state folder: {error.strerror}", where=str(state), hint=hint) from None
    state = state.resolve()
    for name in (*_FILES, *_FOLDERS):
        _check_kind(state / name, is_folder=name in _FOLDERS)
    return state


def protect(state: Path) -> None:
    """Leave everything in the folder, and everything that this process will create, to the owner.

    Older versions didn't, and the folder itself may be one that is shared, such as /tmp.
    """
    os.umask(0o077)
    for name in (*_FILES, *_FOLDERS, *_OTHER_FOLDERS):
        path = state / name
        if path.exists():
            withdraw_permissions(path)


def _check_kind(path: Path, *, is_folder: bool) -> None:
    """Raise LocalError if something else has the name of a file or folder, such as a broken link."""
    if os.path.lexists(path) and not (path.is_dir() if is_folder else path.is_file()):
        what = f"{path.name} in the state folder isn't a {'folder' if is_folder else 'file'}"
        raise LocalError(what, where=str(path), hint=f"set it aside: mv {path} {path}.damaged")


def _is_ours(names: list[str]) -> bool:
    return all(name in (*_FILES, *_FOLDERS, *_OTHER_FOLDERS) or name.startswith(_PREFIXES) for name in names)
