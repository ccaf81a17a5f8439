"""The part of the root that is Lambda's operating system: this machine's own commands and libraries, if Lambda has them too.

They are copied into a folder of lambent's cache, once for each interpreter and whenever a package was installed or updated.
Sandboxes bind the folder, so that nothing else of /usr is in reach. Libraries that this Python needs and Lambda's own build
doesn't are there too; those of commands, such as curl, are in a folder that only the commands search.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from msgspec import Struct, json

from lambent import calendar, lambda_libraries
from lambent.errors import LocalError

from . import commands
from .host_libraries import LINKER_CACHE, HostLibraries, linker_cache

_LAYOUT = "1"
"""Part of an image's name. Raise it when what is copied changes."""

_COMMAND_FOLDERS = ("/usr/bin", "/usr/sbin", "/bin", "/sbin")
_TOP_FOLDERS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr")
_SYSTEM_PREFIXES = (Path("/usr"), Path("/usr/local"))
_DATA = (
    "/usr/lib/locale/C.utf8", "/usr/lib/ssl", "/usr/lib/terminfo", "/usr/libexec/coreutils", "/usr/share/ca-certificates",
    "/usr/share/pki", "/usr/share/terminfo", "/usr/share/zoneinfo",
)  # fmt: skip
_LIBRARY_DATA = ("gconv", "engines-3", "ossl-modules")  # next to glibc and OpenSSL
_MOUNTS = "mounts.json"
_UNUSED_S = 30 * 24 * 3600
_PRIVATE = "/usr/libexec/commands"
_WRAPPER = """#!/bin/sh
# Lambda's own {name} needs fewer libraries than this machine's.
exec {linker} --library-path {private}/lib {private}/{name} "$@"
"""


class SystemImage(Struct, frozen=True):
    """`folder` has Lambda's /usr and so on, and `lang/bin` for /var/lang/bin.

    `mounts` are folders and files of this machine that it has a mount point for.
    """

    folder: Path
    mounts: tuple[str, ...]


def prefix_of(interpreter: Path) -> Path:
    return interpreter.parent.parent


def has_system_prefix(interpreter: Path) -> bool:
    """Whether the interpreter shares its folders with the system's programs."""
    return prefix_of(interpreter) in _SYSTEM_PREFIXES


def library_folders(interpreter: Path) -> list[Path]:
    """Return the folders of an interpreter's standard library: two on systems with lib64."""
    folders = [prefix_of(interpreter) / name / interpreter.name for name in ("lib", "lib64")]
    return [folder for folder in folders if folder.is_dir()]


def prepare(interpreter: Path, cache: Path) -> SystemImage:
    """Return the image for an interpreter, and build it if there is none. `cache` is lambent's cache. Raises LocalError.

    Several processes may do so at once.
    """
    folder = cache / "runtimes" / f"{interpreter.name}-system-{_digest(interpreter)}"
    try:
        if not (folder / _MOUNTS).exists():
            _build(folder, interpreter)
        os.utime(folder)
        return SystemImage(folder, tuple(json.decode((folder / _MOUNTS).read_bytes(), type=list[str])))
    except OSError as error:
        raise LocalError(
            f"can't copy this machine's libraries for functions of the local Lambda: {error.strerror}",
            where=str(error.filename or folder),
            hint="free some disk space, or let LAMBENT_CACHE name another folder",
        ) from error


def _build(folder: Path, interpreter: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        _Builder(temporary, interpreter).build()
        with contextlib.suppress(OSError):  # another process was faster
            temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _remove_unused(folder)


def _digest(interpreter: Path) -> str:
    """Return a value that changes with the interpreter, this machine's commands and its libraries."""
    folders = [Path(path) for path in (*_COMMAND_FOLDERS, "/lib", "/lib64", "/usr/lib", "/usr/lib64")]
    modules = [folder / "lib-dynload" for folder in library_folders(interpreter)]
    parts = [_LAYOUT, str(interpreter)]
    for path in (interpreter, LINKER_CACHE, *folders, *Path("/usr/lib").glob("*-linux-*"), *modules):
        with contextlib.suppress(OSError):
            parts.append(f"{path} {path.stat().st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _remove_unused(folder: Path) -> None:
    """Remove what is left of images that were replaced, or not finished, a month ago."""
    for other in folder.parent.glob(f"{folder.name.rpartition('-')[0]}-*"):
        with contextlib.suppress(OSError):
            if other.stat().st_mtime < time.time() - _UNUSED_S:
                shutil.rmtree(other, ignore_errors=True)


@cache
def _resolve(folder: Path) -> Path:
    return folder.resolve()


class _Builder:
    def __init__(self, folder: Path, interpreter: Path) -> None:
        self._folder = folder
        self._interpreter = interpreter
        self._host = HostLibraries(interpreter)
        self._copies: dict[Path, Path] = {}
        self._visible: dict[str, Path] = {}

    def build(self) -> None:
        for path in _COMMAND_FOLDERS:
            if Path(path).is_symlink() and path.startswith("/usr/"):
                self._at(path).parent.mkdir(parents=True, exist_ok=True)
                self._at(path).symlink_to(Path(path).readlink())
        self._add_libraries()
        self._add_commands()
        mounts = [path for path in self._mounts() if Path(path).exists()]
        for path in mounts:
            self._make_mount_point(path)
        names = [str(self._interpreter), f"/lang/bin/{self._interpreter.name}"]
        for path in names if has_system_prefix(self._interpreter) else names[1:]:
            self._make_mount_point(path, is_file=True)
            for name in ("python3", "python"):
                self._at(path).with_name(name).symlink_to(self._interpreter.name)
        for path in ("/usr/local/bin", "/usr/local/lib"):
            self._at(path).mkdir(parents=True, exist_ok=True)
        self._add_file("/etc/ld.so.cache", linker_cache(lambda path: self._place(Path(path)).exists()), 0o644)
        for parent, folders, _ in os.walk(self._folder):
            for name in [".", *folders]:
                Path(parent, name).chmod(0o755)  # the function's user reads it
        (self._folder / _MOUNTS).write_bytes(json.encode(mounts))

    def _at(self, path: str | Path) -> Path:
        return self._folder / str(path).lstrip("/")

    def _place(self, path: Path) -> Path:
        """Return where a file of this machine is in the image. Those outside the system's folders are next to glibc."""
        folder = _resolve(path.parent)
        if folder.parts[1:2] and folder.parts[1] in _TOP_FOLDERS:
            return self._at(folder / path.name)
        return self._at(_resolve(self._visible["libc.so.6"].parent) / path.name)

    def _add_libraries(self) -> None:
        files = [self._interpreter]
        for folder in library_folders(self._interpreter):
            files += [path for path in (folder / "lib-dynload").glob("*.so") if not path.name.startswith("_tkinter.")]
        self._visible = self._host.needed_by(files)
        runtime = calendar.find_runtime(self._interpreter.name)
        names = lambda_libraries.names(runtime.glibc if runtime else calendar.AL2023)
        for name in sorted(names):
            path = self._host.find(name)
            if path is not None:
                needed = self._host.needed_by([path])
                if needed.keys() <= self._visible.keys() | names:
                    self._visible |= {name: path, **needed}
        own = prefix_of(self._interpreter)
        for path in self._visible.values():
            if has_system_prefix(self._interpreter) or not path.resolve().is_relative_to(own):
                self._copy(path, self._place(path))
        binary = self._host.read(self._interpreter)
        if binary and binary.interpreter:
            linker = Path(binary.interpreter)
            self._copy(linker, self._place(linker))

    def _add_commands(self) -> None:
        for folder in map(Path, _COMMAND_FOLDERS):
            if folder.is_symlink() or not folder.is_dir():
                continue
            self._at(folder).mkdir(parents=True, exist_ok=True)
            for path in sorted(folder.iterdir()):
                if path.name in commands.NAMES:
                    self._add_command(path)

    def _add_command(self, path: Path) -> None:
        hidden = {name: file for name, file in self._host.needed_by([path]).items() if name not in self._visible}
        if not hidden:
            self._copy(path, self._at(path))
            return
        binary = self._host.read(path)
        assert binary is not None
        for name, file in hidden.items():
            self._copy(file, self._at(f"{_PRIVATE}/lib/{name}"))
        self._copy(path, self._at(f"{_PRIVATE}/{path.name}"))
        text = _WRAPPER.format(name=path.name, linker=binary.interpreter, private=_PRIVATE)
        self._add_file(str(path), text.encode(), 0o755)

    def _mounts(self) -> Iterator[str]:
        """Yield the folders of this machine that are bound at their own path."""
        yield from _DATA
        for folder in {path.parent.resolve() for path in self._visible.values()}:
            yield from (f"{folder}/{name}" for name in _LIBRARY_DATA)
        if has_system_prefix(self._interpreter):
            yield from map(str, library_folders(self._interpreter))
        else:
            yield str(prefix_of(self._interpreter))

    def _make_mount_point(self, path: str, *, is_file: bool = False) -> None:
        target = self._at(path)
        if is_file:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
        else:
            target.mkdir(parents=True, exist_ok=True)

    def _add_file(self, path: str, content: bytes, mode: int) -> None:
        target = self._at(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(mode)

    def _copy(self, source: Path, target: Path) -> None:
        """Copy a file; one that has several names only once. One that this user may not read is left out."""
        target.parent.mkdir(parents=True, exist_ok=True)
        real = source.resolve()
        if target.exists():
            return
        with contextlib.suppress(FileNotFoundError, PermissionError):
            if real in self._copies:
                os.link(self._copies[real], target)
                return
            shutil.copyfile(real, target)
            target.chmod(0o755)
            self._copies[real] = target
