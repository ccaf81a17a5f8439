"""Unpacks a deployment package as AWS does, and trusts nothing in it: paths, links, modes or sizes.

On AWS the function's user is neither the owner of the files nor in their group, so only the "other" bits of a mode count: a
0600 file causes "Permission denied". Here the process may own the files, so those bits are copied to owner and group.
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

_FILE_MODE = 0o644
_FOLDER_MODE = 0o755
_CHUNK = 1 << 20
# What zipfile raises for a file that is no zip or a damaged one. RuntimeError means that it is encrypted.
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, ValueError)
# The zip's fault, not the disk's: a name that is too long, a file where a folder must be, a cycle of links
_ZIP_ERRNOS = (errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EINVAL, errno.ELOOP)
_MEMBERS_MAX = 200_000  # far more than any package of 250 MiB in use; a million empty members would be a bomb too


class BadArchive(Exception):
    """The file is not a zip, or its members would leave the folder."""


class TooLarge(Exception):
    """The unpacked package is larger than 250 MiB."""


class Member(Struct, frozen=True):
    """A member of the zip: its checked relative path, its kind ("file", "folder" or "link"), and its mode for the function."""

    info: zipfile.ZipInfo
    path: PurePosixPath
    kind: str
    mode: int


def unpack(archive: Path, folder: Path, size_max: int = UNZIPPED_MAX) -> int:
    """Unpack into `folder`, which must not exist. Returns the bytes written. Raises BadArchive or TooLarge."""
    try:
        with zipfile.ZipFile(archive) as zip_file:
            members = list(read_members(zip_file))
            if sum(member.info.file_size for member in members) > size_max:
                raise TooLarge
            folder.mkdir(parents=True)
            return _write(zip_file, members, folder, size_max)
    except _ZIP_ERRORS as error:
        raise BadArchive(str(error)) from error
    except OSError as error:
        if error.errno in _ZIP_ERRNOS:
            raise BadArchive(str(error)) from error
        raise


def read_members(zip_file: zipfile.ZipFile) -> Iterator[Member]:
    """Return the checked members. If several have the same path the last one wins, as with `unzip -o`."""
    infos = zip_file.infolist()
    if len(infos) > _MEMBERS_MAX:
        raise BadArchive("too many members")
    for path, info in {checked_path(info.filename): info for info in infos}.items():
        if path.parts:
            yield Member(info, path, _kind(info), _mode(info))


def checked_path(name: str) -> PurePosixPath:
    """Return the path of a member. Raises BadArchive if it is absolute or leaves the folder."""
    path = PurePosixPath(name.replace("\\", "/"))  # old Windows tools write backslashes
    if path.is_absolute() or ".." in path.parts or "\0" in name or (path.parts and path.parts[0].endswith(":")):
        raise BadArchive(f"member {name!r} leads out of the package")
    return path


def _kind(info: zipfile.ZipInfo) -> str:
    file_type = stat.S_IFMT(info.external_attr >> 16)
    if file_type == stat.S_IFLNK:
        return "link"
    if info.is_dir() or info.filename.endswith("\\") or file_type == stat.S_IFDIR:
        return "folder"
    if file_type in (0, stat.S_IFREG):
        return "file"
    raise BadArchive(f"member {info.filename!r} is neither a file, a folder nor a link")


def _mode(info: zipfile.ZipInfo) -> int:
    mode = info.external_attr >> 16
    if mode == 0:
        # No mode at all: a Windows tool wrote it, and unzip's defaults apply. (Python's `writestr` stores 0600.)
        mode = _FOLDER_MODE if _kind(info) == "folder" else _FILE_MODE
    bits = mode & 0o007
    return bits << 6 | bits << 3 | bits


def _write(zip_file: zipfile.ZipFile, members: list[Member], folder: Path, size_max: int) -> int:
    size = 0
    links = [member for member in members if member.kind == "link"]
    for path in {member.path if member.kind == "folder" else member.path.parent for member in members}:
        (folder / path).mkdir(parents=True, exist_ok=True)
    for member in members:
        if member.kind == "file":
            size += _write_file(zip_file, member, folder, size_max - size)
    for member in links:  # after the files, so that no file is written through a link
        _write_link(zip_file, member, folder)
    _set_modes(members, folder)
    return size


def _write_file(zip_file: zipfile.ZipFile, member: Member, folder: Path, size_max: int) -> int:
    """Write one file and return its real size, since the size in the zip's header may be wrong."""
    size = 0
    descriptor = os.open(folder / member.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, member.mode)
    with zip_file.open(member.info) as source, os.fdopen(descriptor, "wb", buffering=0) as file:
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            if size > size_max:
                raise TooLarge
            file.write(chunk)
        os.fchmod(descriptor, member.mode)  # the umask does not apply
    return size


def _write_link(zip_file: zipfile.ZipFile, member: Member, folder: Path) -> None:
    if member.info.file_size > 4096:
        raise BadArchive(f"link {member.info.filename!r} is too long")
    destination = zip_file.read(member.info).decode("utf-8", "surrogateescape")
    depth = len(member.path.parts) - 1
    escapes = not destination or destination.startswith("/")
    for part in PurePosixPath(destination).parts:
        depth += -1 if part == ".." else 1
        escapes = escapes or depth < 0
    if not escapes:
        link = folder / member.path
        link.symlink_to(destination)
        # Several links together can lead out although each looks harmless, so check the resolved path too.
        escapes = not link.resolve().is_relative_to(folder.resolve())
    if escapes:
        raise BadArchive(f"link {member.info.filename!r} leads out of the package")


def _set_modes(members: list[Member], folder: Path) -> None:
    """Set the modes of folders, deepest first: a read-only folder must already be full."""
    modes = {folder / member.path: member.mode for member in members if member.kind == "folder"}
    folders = [path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink()]
    for path in sorted([folder, *folders], key=lambda path: -len(path.parts)):
        path.chmod(modes.get(path, 0o555))


def remove(folder: Path) -> None:
    """Remove an unpacked package, whatever its modes."""
    if not folder.is_dir() or folder.is_symlink():
        return

    def unlock(function: Callable[..., object], path: str, error: object) -> None:
        Path(path).parent.chmod(0o700)
        if not Path(path).is_symlink():
            Path(path).chmod(0o700)
        function(path)

    folder.chmod(0o700)
    _unlock_folders(folder)
    shutil.rmtree(folder, onerror=unlock)


def _unlock_folders(folder: Path) -> None:
    """Make every folder below readable and writable, top down, so that the next level can be read."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
            _unlock_folders(path)
