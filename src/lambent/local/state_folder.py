"""The state folder: what is in it, and that no other user can read it."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

from lambent.errors import LocalError
from lambent.local import set_aside
from lambent.private_folder import make_private, withdraw_permissions

_DATABASES = ("invocations.sqlite", "lambda.sqlite", "logs.sqlite")
FILES = (
    *(f"{name}{part}" for name in _DATABASES for part in set_aside.DATABASE_PARTS),
    "lambda.unreadable.jsonl",
    "neighbours/journal.jsonl",
    "neighbours/journal.unreadable.jsonl",
    "neighbours/reserve",
    "reserve",
    "service.json",
    "service.lock",
    "service.log",
    "service.old.log",
    "start.lock",
)
FOLDERS = ("bytecode", "code", "environments", "neighbours", "neighbours/bodies", "neighbours/objects")
_PREFIXES = (*_DATABASES, "reserve", "service.", "secret", ".new-")


def make_folder(state: Path) -> Path:
    """Create the state folder if necessary, and return its absolute path. Only its owner may enter it. Raises LocalError."""
    try:
        make_private(state, _is_ours)
    except OSError as error:
        hint = "use another folder: --state DIR"
        raise LocalError(f"can't create the state folder: {error.strerror}", where=str(state), hint=hint) from None
    state = state.resolve()
    check_kinds(state)
    _check_access(state)
    return state


def check_kinds(state: Path) -> None:
    """Raise LocalError if something else has the name of a file or folder, such as a pipe or a link that leads nowhere."""
    for name in (*FILES, *FOLDERS):
        path, is_folder = state / name, name not in FILES
        if os.path.lexists(path) and not (path.is_dir() if is_folder else _is_regular(path)):
            what = f"{path.name} in the state folder isn't a {'folder' if is_folder else 'file'}"
            raise LocalError(what, where=str(path), hint=f"set it aside: {set_aside.move_command(path)}")


def unusable(path: Path, error: Exception) -> LocalError:
    """Return the error for a state folder, or a file in it, that the disk or its permissions make unusable."""
    hint = "free disk space, check the folder's owner, or use another folder: --state DIR"
    return LocalError(f"the local Lambda can't use its state folder: {error}", where=str(path), hint=hint)


def protect(state: Path) -> None:
    """Leave everything in the folder, and everything that this process will create, to the owner.

    Older versions didn't, and the folder itself may be one that is shared, such as /tmp.
    """
    os.umask(0o077)
    for name in (*FILES, *FOLDERS):
        path = state / name
        if path.exists():
            withdraw_permissions(path)


def _check_access(state: Path) -> None:
    for name in (*FOLDERS, *FILES):
        path, needed = state / name, os.R_OK | os.W_OK | (0 if name in FILES else os.X_OK)
        if os.path.lexists(path) and not os.access(path, needed):
            what = f"the local Lambda may not read and write {name} in its state folder"
            hint = f"{shlex.join(['chmod', 'u+rwX', str(path)])}, or use another folder: --state DIR"
            raise LocalError(what, where=str(path), hint=hint)


def _is_regular(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def _is_ours(names: list[str]) -> bool:
    return all(name in (*FILES, *FOLDERS) or name.startswith(_PREFIXES) for name in names)
