"""Unpacks a deployment package as AWS does, and trusts nothing in it: paths, links, modes or sizes.

On AWS the function's user is neither the owner of the files nor in their group, so only the "other" bits of a mode count: a
0600 file causes "Permission denied". Here the process may own the files, so those bits are copied to owner and group.
"""

from __future__ import annotations

import errno
import itertools
import lzma
import os
import stat
import uuid
import zipfile
import zlib
from collections.abc import Iterator
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
_DEPTH_MAX = 256  # far more than any package in use; a path of more than 4096 bytes can't be opened anyway
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
        if error.errno is None or error.errno in _ZIP_ERRNOS:  # bz2 has no error of its own
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
    if len(path.parts) > _DEPTH_MAX:
        raise BadArchive(f"member {name[:80]!r}... is more than {_DEPTH_MAX} folders deep")
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
    folders = _folders(members)
    for path in folders:
        (folder / path).mkdir(exist_ok=True)
    for member in members:
        if member.kind == "file":
            size += _write_file(zip_file, member, folder, size_max - size)
    for member in links:  # after the files, so that no file is written through a link
        _write_link(zip_file, member, folder)
    _set_modes(members, folder, folders)
    return size


def _folders(members: list[Member]) -> list[PurePosixPath]:
    """Return every folder of the package, parents first. It begins with the package's own, "."."""
    folders: set[PurePosixPath] = set()
    for member in members:
        path = member.path if member.kind == "folder" else member.path.parent
        while path not in folders:
            folders.add(path)
            path = path.parent
    return sorted(folders | {PurePosixPath(".")}, key=lambda path: len(path.parts))


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


def _set_modes(members: list[Member], folder: Path, folders: list[PurePosixPath]) -> None:
    """Set the modes of folders, deepest first: a read-only folder must already be full."""
    modes = {member.path: member.mode for member in members if member.kind == "folder"}
    for path in reversed(folders):
        (folder / path).chmod(modes.get(path, 0o555))


def remove(folder: Path) -> None:
    """Remove a folder that a stranger has filled, whatever its modes and however deep it is. Raises OSError."""
    if not folder.is_dir() or folder.is_symlink():
        return
    prefix = f".removed-{uuid.uuid4().hex}-"
    names = (f"{prefix}{number}" for number in itertools.count())
    pending = _empty(folder, folder, names)
    while pending:
        path = pending.pop()
        pending += _empty(path, folder, names)
        path.rmdir()
    folder.rmdir()


def remove_anything(path: Path) -> None:
    """Remove a folder with all that is in it, or whatever else may be there. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        remove(path)
    else:
        path.unlink(missing_ok=True)


def _empty(path: Path, top: Path, names: Iterator[str]) -> list[Path]:
    """Delete the files in `path` and move its folders to `top`, so that no path becomes too long. Returns their new paths."""
    path.chmod(0o700)
    moved = []
    for entry in list(os.scandir(path)):
        if entry.is_dir(follow_symlinks=False):
            Path(entry.path).chmod(0o700)  # otherwise it can't be moved
            moved.append(Path(entry.path).rename(top / next(names)))
        else:
            Path(entry.path).unlink()
    return moved
