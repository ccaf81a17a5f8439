"""Unpacks a deployment package as AWS does, trusting nothing in it: paths, links, modes or sizes.

Inside AWS the function runs as a user that is neither the owner of the files nor in their group, so only the "other" bits
of a member's mode count (a 0600 file answers "Permission denied"). Locally the process may well be the owner, so every
file gets those bits three times.
"""

from __future__ import annotations

import errno
import lzma
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from msgspec import Struct

from lambent.limits import UNZIPPED_MAX

DEFAULT_FILE = 0o644
DEFAULT_FOLDER = 0o755
CHUNK = 1 << 20
# What zipfile raises for archives that are none or are damaged: RuntimeError is an encrypted one
BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, ValueError)
# The archive's fault, not the disk's: a name too long, a file where a folder must be, links in a circle
THEIRS = (errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EINVAL, errno.ELOOP)
MEMBERS_MAX = 200_000  # far above any package of 250 MiB in use; a million empty members is a bomb too


class BadArchive(Exception):
    """Not a zip, or one whose members lead out of it."""


class TooLarge(Exception):
    """More than 250 MiB when unpacked."""


class Member(Struct, frozen=True):
    """One member: where it goes (relative, checked), what it is, and its mode as the function will see it."""

    info: zipfile.ZipInfo
    path: PurePosixPath
    kind: str
    mode: int


def unpack(archive: Path, folder: Path, most: int = UNZIPPED_MAX) -> int:
    """Unpacks into `folder`, which must not exist. Returns the bytes written. Raises BadArchive or TooLarge."""
    try:
        with zipfile.ZipFile(archive) as opened:
            members = list(read_members(opened))
            if sum(member.info.file_size for member in members) > most:
                raise TooLarge
            folder.mkdir(parents=True)
            return _write(opened, members, folder, most)
    except BROKEN as broken:
        raise BadArchive(str(broken)) from broken
    except OSError as refused:
        if refused.errno in THEIRS:
            raise BadArchive(str(refused)) from refused
        raise


def read_members(opened: zipfile.ZipFile) -> Iterator[Member]:
    """The members, checked. Of members with the same path the last one counts, as with `unzip -o`."""
    infos = opened.infolist()
    if len(infos) > MEMBERS_MAX:
        raise BadArchive("too many members")
    last = {checked_path(info.filename): info for info in infos}
    for path, info in last.items():
        if path.parts:
            yield Member(info, path, _kind(info), _mode(info))


def checked_path(name: str) -> PurePosixPath:
    """The path of a member. Raises BadArchive for one that is absolute or leaves the folder."""
    path = PurePosixPath(name.replace("\\", "/"))  # zips made on old Windows tools hold backslashes
    if path.is_absolute() or ".." in path.parts or "\0" in name or (path.parts and path.parts[0].endswith(":")):
        raise BadArchive(f"member {name!r} leads out of the package")
    return path


def _kind(info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "link"
    if info.is_dir() or info.filename.endswith("\\") or kind == stat.S_IFDIR:
        return "folder"
    if kind in (0, stat.S_IFREG):
        return "file"
    raise BadArchive(f"member {info.filename!r} is neither a file, a folder nor a link")


def _mode(info: zipfile.ZipInfo) -> int:
    unix = info.external_attr >> 16
    if unix == 0:
        # No mode at all, so made by a Windows tool: unzip's defaults. (Python's `writestr` stores 0600, not nothing.)
        unix = DEFAULT_FOLDER if _kind(info) == "folder" else DEFAULT_FILE
    other = unix & 0o007
    return other << 6 | other << 3 | other


def _write(opened: zipfile.ZipFile, members: list[Member], folder: Path, most: int) -> int:
    written = 0
    links = [member for member in members if member.kind == "link"]
    for path in {member.path if member.kind == "folder" else member.path.parent for member in members}:
        (folder / path).mkdir(parents=True, exist_ok=True)
    for member in members:
        if member.kind == "file":
            written += _write_file(opened, member, folder, most - written)
    for member in links:  # after the files, so that no file is ever written through a link
        _write_link(opened, member, folder)
    _set_modes(members, folder)
    return written


def _write_file(opened: zipfile.ZipFile, member: Member, folder: Path, room: int) -> int:
    """Copies one file, counting what really comes out: the size in the header is the maker's claim."""
    size = 0
    made = os.open(folder / member.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, member.mode)
    with opened.open(member.info) as source, os.fdopen(made, "wb", buffering=0) as sink:
        while chunk := source.read(CHUNK):
            size += len(chunk)
            if size > room:
                raise TooLarge
            sink.write(chunk)
        os.fchmod(made, member.mode)  # whatever the umask took
    return size


def _write_link(opened: zipfile.ZipFile, member: Member, folder: Path) -> None:
    if member.info.file_size > 4096:
        raise BadArchive(f"link {member.info.filename!r} is too long")
    aim = opened.read(member.info).decode("utf-8", "surrogateescape")
    depth = len(member.path.parts) - 1
    leaves = not aim or aim.startswith("/")
    for part in PurePosixPath(aim).parts:
        depth += -1 if part == ".." else 1
        leaves = leaves or depth < 0
    if leaves:
        raise BadArchive(f"link {member.info.filename!r} leads out of the package")
    target = folder / member.path
    target.symlink_to(aim)
    # Links upon links can leave even when each looks harmless, so ask the file system too.
    if not target.resolve().is_relative_to(folder.resolve()):
        raise BadArchive(f"link {member.info.filename!r} leads out of the package")


def _set_modes(members: list[Member], folder: Path) -> None:
    """Folders last and deepest first: a folder that nobody may write to must already be full."""
    named = {folder / member.path: member.mode for member in members if member.kind == "folder"}
    found = [path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink()]
    for path in sorted([folder, *found], key=lambda path: -len(path.parts)):
        path.chmod(named.get(path, 0o555))


def remove(folder: Path) -> None:
    """Removes an unpacked package, whatever its modes."""
    if not folder.is_dir() or folder.is_symlink():
        return

    def unlock(function: Callable[..., object], path: str, error: object) -> None:
        Path(path).parent.chmod(0o700)
        if not Path(path).is_symlink():
            Path(path).chmod(0o700)
        function(path)

    folder.chmod(0o700)
    for path in _folders(folder):
        path.chmod(0o700)
    shutil.rmtree(folder, onerror=unlock)


def _folders(folder: Path) -> Iterator[Path]:
    """Every folder below, opened on the way down so that the next level can be read."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
            yield path
            yield from _folders(path)
