"""The folder with the code of an app while `lambent dev` runs: a version's code, whose files are replaced as they change."""

from __future__ import annotations

import contextlib
import uuid
from pathlib import Path

from msgspec import Struct

from lambent import atomic
from lambent.errors import LocalError
from lambent.local.code_store import merge
from lambent.local.unpack import checked_path, remove


class CodeFile(Struct, frozen=True):
    """A file of the app by its path in the zip."""

    name: str
    content: bytes
    executable: bool = False


class DevCode:
    """A copy of an unpacked zip in `parent`. Its files are links until they are replaced."""

    def __init__(self, unpacked: Path, parent: Path) -> None:
        parent.mkdir(parents=True, exist_ok=True)
        self.folder = parent / uuid.uuid4().hex
        merge([unpacked], self.folder)

    def apply(self, files: tuple[CodeFile, ...], removed: tuple[str, ...]) -> None:
        """Replace, add and remove files, each of them at once. Raises LocalError for a path that leads outside, or OSError."""
        for name in removed:
            path = self._path(name)
            with contextlib.suppress(FileNotFoundError, IsADirectoryError):
                path.unlink()
            self._forget_bytecode(path)
        for file in files:
            path = self._path(file.name)
            self._make_folders(path.parent)
            atomic.write_bytes(path, file.content, mode=0o755 if file.executable else 0o644)
            self._forget_bytecode(path)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            remove(self.folder)

    def _path(self, name: str) -> Path:
        path = self.folder / checked_path(name)
        if not path.parent.resolve().is_relative_to(self.folder.resolve()):
            raise LocalError(f"{name} leads out of the app's folder")
        return path

    def _make_folders(self, folder: Path) -> None:
        """Create missing folders, which another user reads whatever the umask. One takes the place of a file."""
        if folder.is_dir():
            return
        self._make_folders(folder.parent)
        folder.unlink(missing_ok=True)
        folder.mkdir()
        folder.chmod(0o755)

    def _forget_bytecode(self, source: Path) -> None:
        """Remove the zip's bytecode of a source, which Python would take without looking at the source."""
        if source.suffix == ".py":
            for path in (source.parent / "__pycache__").glob(f"{source.stem}.*.pyc"):
                path.unlink(missing_ok=True)
