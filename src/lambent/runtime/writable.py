"""Runs an app that writes next to its code: from a copy of its own files in /tmp (LAMBENT_WRITABLE).

Packages stay in /var/task. The copy lasts as long as the execution environment, and no other environment sees it.
"""

from __future__ import annotations

import posix
import sys

from .environment import variable
from .fault import Fault

_OWN_FILES = __file__.rpartition("/")[0] + "/own_files"
"""Written by the packager: the paths of the app's own files, each with a NUL after it."""
_BLOCK = 1 << 24


def run_from_copy() -> str:
    """Copy the app's own files to /tmp, and make the copy the current folder and the first on the import path. Return it.

    A copy that exists is used unchanged: this process follows one that crashed, or another worker was faster. Only a start of
    `lambent dev` brings it up to date.
    """
    task = task_folder()
    temporary = variable("TMPDIR", "/tmp")
    copy = f"{temporary}/app"
    if not posix.access(copy, posix.F_OK):
        unfinished = f"{temporary}/.app-{posix.getpid()}"
        _copy_all(task, unfinished)
        try:
            posix.rename(unfinished, copy)
        except OSError:  # another worker's copy is there by now
            if not posix.access(copy, posix.F_OK):
                raise
    elif f"{__package__}.warm_start" in sys.modules:
        _update(task, copy)
    posix.chdir(copy)
    sys.path.insert(0, copy)
    return copy


def _copy_all(task: str, copy: str) -> None:
    folders = {""}
    posix.mkdir(copy)
    names = own_files()
    for name in names:
        _make_folder(copy, name.rpartition("/")[0], folders)
        _copy_file(f"{task}/{name}", f"{copy}/{name}")
        if name.endswith(".py"):
            folder, slash, file = name.rpartition("/")
            cache = f"{folder}{slash}__pycache__"
            bytecode = f"{cache}/{file[:-3]}.{sys.implementation.cache_tag}.pyc"
            if posix.access(f"{task}/{bytecode}", posix.F_OK):
                _make_folder(copy, cache, folders)
                _copy_file(f"{task}/{bytecode}", f"{copy}/{bytecode}")

    _complete_packages(task, copy, names)


def _complete_packages(task: str, copy: str, names: list[str]) -> None:
    """Write an empty `__init__.py` in the copies of folders with modules that have none.

    Such a folder is a package with a part in each folder of the import path, so in /var/task too, and Django refuses an app
    in two places. Where a dependency has files in the same folder, they stay one package.
    """
    existing = set(names)
    for top in {name.partition("/")[0] for name in names if "/" in name and name.endswith(".py")}:
        marker = f"{top}/__init__.py"
        others = {*posix.listdir(f"{task}/{top}")} - {*posix.listdir(f"{copy}/{top}"), "__pycache__"}
        if marker not in existing and not others:
            posix.close(posix.open(f"{copy}/{marker}", posix.O_WRONLY | posix.O_CREAT | posix.O_CLOEXEC, 0o644))


def _update(task: str, copy: str) -> None:
    """Copy the files that are newer than their copies. What the app has written in place of others stays."""
    folders = {""}
    for name in own_files():
        source, destination = f"{task}/{name}", f"{copy}/{name}"
        if posix.access(destination, posix.F_OK):
            if posix.stat(source).st_mtime_ns <= posix.stat(destination).st_mtime_ns:
                continue
            posix.unlink(destination)
        _make_folder(copy, name.rpartition("/")[0], folders)
        _copy_file(source, destination)


def task_folder() -> str:
    """Return the folder of the zip's content."""
    return variable("LAMBDA_TASK_ROOT") or _OWN_FILES.rpartition("/")[0].rpartition("/")[0]


def own_files() -> list[str]:
    """Return the paths of the app's own files below the task's folder. Raise Fault if the zip doesn't list them."""
    try:
        with open(_OWN_FILES, "rb", 0) as file:  # noqa: PTH123 - pathlib would cost 10 ms
            return file.read().decode("utf-8", "surrogateescape").split("\0")[:-1]
    except FileNotFoundError:
        text = "LAMBENT_WRITABLE needs a zip made by `lambent build`, which lists the app's own files"
        raise Fault("Function.NotWritable", text) from None


def _make_folder(copy: str, folder: str, existing: set[str]) -> None:
    """Make a folder unless it is there. `existing` are those that this has made, or found."""
    if folder not in existing:
        _make_folder(copy, folder.rpartition("/")[0], existing)
        if not posix.access(f"{copy}/{folder}", posix.F_OK):
            posix.mkdir(f"{copy}/{folder}")
        existing.add(folder)


def _copy_file(source: str, destination: str) -> None:
    """Copy content, date and mode; the copy is writable."""
    reader = posix.open(source, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        status = posix.fstat(reader)
        flags = posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_CLOEXEC
        writer = posix.open(destination, flags, status.st_mode & 0o777 | 0o600)
        try:
            while posix.sendfile(writer, reader, None, _BLOCK):
                pass
            posix.utime(writer, ns=(status.st_mtime_ns, status.st_mtime_ns))
        finally:
            posix.close(writer)
    finally:
        posix.close(reader)
