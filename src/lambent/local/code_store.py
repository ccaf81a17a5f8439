"""The code of functions and layers in the state folder, shared by content.

code/<sha256>.zip     the zip as it was sent
code/<sha256>/        the same, unpacked once; or several layers merged into one, named after theirs
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import stat
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lambent.errors import LocalError
from lambent.local.unpack import remove, remove_anything, unpack

log = logging.getLogger(__name__)

_NEW, _OLD = ".new-", ".old-"


class CodeStore:
    """`used` returns the names in `folder` that functions or layers need. Safe in several threads."""

    def __init__(self, folder: Path, used: Callable[[], set[str]]) -> None:
        self.folder = folder
        self._used = used
        self._lock = threading.RLock()
        self._sweeping = threading.Lock()
        self._held: Counter[str] = Counter()
        folder.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def hold(self, sha: str) -> Iterator[None]:
        """Protect this code from `sweep` until something uses it."""
        with self._lock:
            self._held[sha] += 1
        try:
            yield
        finally:
            with self._lock:
                self._held[sha] -= 1

    def add(self, body: bytes) -> str:
        """Store a zip and unpack it. Returns its sha256 (hex). Raises BadArchive or TooLarge."""
        sha = hashlib.sha256(body).hexdigest()
        folder, archive = self.folder / sha, self.folder / f"{sha}.zip"
        with self.hold(sha):
            if folder.is_dir() and archive.is_file():
                return sha
            self._make_way(archive, folder)
            new = self._new_path()
            new_archive = new.with_suffix(".zip")
            try:
                new_archive.write_bytes(body)
                unpack(new_archive, new)
                new_archive.replace(archive)
                self._move(new, folder)
            finally:
                new_archive.unlink(missing_ok=True)
                remove(new)
        return sha

    def merge(self, shas: Sequence[str]) -> str:
        """Merge the unpacked layers with these sha256 (hex) into one folder, the last on top.

        Returns its name. Raises LocalError.
        """
        name = merged_name(shas)
        folder, new = self.folder / name, self._new_path()
        with self.hold(name):
            if not folder.is_dir():
                self._make_way(folder)
                for sha in shas:
                    self.restore(sha)
                try:
                    merge([self.folder / sha for sha in shas], new)
                    self._move(new, folder)
                finally:
                    remove(new)
        return name

    def zip(self, sha: str) -> Path | None:
        """Return the zip with this sha256 (hex), or None."""
        path = self.folder / f"{sha}.zip"
        return path if len(sha) == 64 and sha.isalnum() and path.is_file() else None

    def sweep(self) -> None:
        """Remove code that nothing uses, and what a killed process left incomplete."""
        with self._sweeping:
            with self._lock:
                needed = self._used() | {sha for sha, count in self._held.items() if count > 0}
                removed = [self._withdraw(path) for path in list(self.folder.iterdir()) if self._is_unused(path.name, needed)]
            for path in removed:  # slow for large packages, so without the lock
                _delete(path)

    def _is_unused(self, name: str, needed: set[str]) -> bool:
        if name.startswith((_NEW, _OLD)):
            return not any(self._held.values())  # otherwise it may still be in progress
        return name.removesuffix(".zip") not in needed

    def _new_path(self) -> Path:
        return self.folder / f"{_NEW}{os.getpid()}-{uuid.uuid4().hex}"

    def _move(self, new: Path, folder: Path) -> None:
        with self._lock:
            if not folder.exists():  # otherwise another thread was first with the same content
                mode = new.stat().st_mode
                new.chmod(0o700)  # some systems refuse to rename a read-only folder
                new.rename(folder)
                folder.chmod(mode)

    def restore(self, name: str, layers: Sequence[str] = ()) -> None:
        """Unpack code again whose folder is missing, or merge the layers of a function again. Raises LocalError."""
        folder = self.folder / name
        with self.hold(name):
            if folder.is_dir():
                return
            archive = self.zip(name)
            if archive is not None:
                self.add(archive.read_bytes())
            elif len(layers) > 1:
                self.merge(layers)
            if not folder.is_dir():
                hint = "deploy the function or publish the layer again"
                raise LocalError("the code of the function is missing from the state folder", where=f"{folder}.zip", hint=hint)

    def _make_way(self, *paths: Path) -> None:
        """Remove what has the name of a zip or folder and is something else."""
        for path in paths:
            try:
                mode = path.lstat().st_mode  # one look, since another thread may create it at any time
            except FileNotFoundError:
                continue
            if not (stat.S_ISREG(mode) if path.suffix else stat.S_ISDIR(mode)):
                log.error("%s isn't a %s: it is removed", path, "file" if path.suffix else "folder")
                self._withdraw(path)

    def _withdraw(self, path: Path) -> Path:
        """Rename code, so that it is either complete or absent under its own name."""
        return path.replace(self.folder / f"{_OLD}{uuid.uuid4().hex}{path.suffix}")


def _delete(path: Path) -> None:
    """Delete a zip or a folder. What can't be deleted stays until the next sweep, and stops nothing."""
    try:
        remove_anything(path)
    except OSError as error:
        log.warning("can't remove %s: %s", path, error.strerror)


def merged_name(names: Sequence[str]) -> str:
    """Return the name of the folder into which these folders are merged: the same for the same."""
    return names[0] if len(names) == 1 else hashlib.sha256("/".join(names).encode()).hexdigest()


def merge(folders: Sequence[Path], into: Path) -> None:
    """Merge unpacked layers, the last on top, as Lambda unpacks them into /opt. Files are linked, not copied."""
    into.mkdir()
    for folder in folders:
        for parent, names, files in os.walk(folder):
            merged = into / Path(parent).relative_to(folder)
            _clear(merged, only_files=True)
            merged.mkdir(exist_ok=True)
            merged.chmod(0o755)  # another user reads it, whatever the umask
            links = [name for name in names if Path(parent, name).is_symlink()]
            for name in [*files, *links]:
                _link(Path(parent, name), merged / name)


def _link(source: Path, path: Path) -> None:
    _clear(path)
    if source.is_symlink():
        path.symlink_to(source.readlink())
    else:
        os.link(source, path)


def _clear(path: Path, *, only_files: bool = False) -> None:
    """Remove what a lower layer has at this path. A folder replaces only a file; it joins a folder."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir() and not only_files:
        for inner in path.iterdir():
            _clear(inner)
        path.rmdir()


def unpacked_size(folder: Path) -> int:
    """Return the bytes of the files in a folder."""
    return sum(Path(parent, name).lstat().st_size for parent, _, files in os.walk(folder) for name in files)
