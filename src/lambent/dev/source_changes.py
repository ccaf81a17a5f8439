"""Which of an app's files have changed since the last look, and whether that needs a new zip."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from msgspec import Struct

from lambent.package.layout import Files, SourceFile

_SETTINGS = re.compile(
    r"(pyproject\.toml|setup\.(py|cfg)|.*requirements.*\.(txt|in)|constraints.*\.txt|requirements/.*|.*\.lock|Pipfile"
    r"|Pipfile\.lock|pylock\..*toml|\.python-version|\.tool-versions|runtime\.txt|Procfile|Dockerfile|compose\.ya?ml"
    r"|docker-compose\.ya?ml|(app|environment|render|template|serverless)\.ya?ml|zappa_settings\.json|\.?env(rc)?|\.env\..*|.*\.env"
    r"|\.gitignore|\.lambentignore|\.lambdaignore)",
    re.IGNORECASE,
)
"""Files that say what the zip holds and how it runs, by their last folder and name."""

_DATA = frozenset(
    [
        *(".db", ".sqlite", ".sqlite3", ".duckdb", ".csv", ".tsv", ".parquet", ".feather", ".arrow", ".pkl", ".pickle"),
        *(".npy", ".npz", ".onnx", ".pt", ".safetensors", ".joblib", ".h5", ".bin", ".dat", ".zip", ".gz", ".so"),
    ]
)
"""Data that an app may have read, or copied to /tmp, so that only new environments see all of it."""

_Stamp = tuple[str, int, int, int, bool]


class Change(Struct, frozen=True):
    """Own files to write and to remove, by their path in the zip."""

    written: dict[str, SourceFile]
    removed: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.written, *self.removed)

    @property
    def needs_build(self) -> bool:
        """Whether the zip has to be built again, rather than only these files replaced."""
        return any(is_setting(name) or is_data(name) for name in self.names)

    def __bool__(self) -> bool:
        return bool(self.written or self.removed)


class Snapshot:
    """The app's own files as they were at one moment: path, size, date and mode of each."""

    def __init__(self, files: Files) -> None:
        self._files = dict(files)
        self._stamps: dict[str, _Stamp | bytes] = {}
        for name, file in files:
            with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                self._stamps[name] = _stamp(file)

    def change_to(self, later: Snapshot) -> Change:
        """Return what has changed from this snapshot to a later one."""
        stamps = later._stamps
        written = {name: later._files[name] for name, stamp in stamps.items() if self._stamps.get(name) != stamp}
        return Change(written, tuple(name for name in self._stamps if name not in stamps))


def is_setting(name: str) -> bool:
    path = PurePosixPath(name)
    return any(_SETTINGS.fullmatch(part) for part in (path.name, f"{path.parent.name}/{path.name}"))


def is_data(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in _DATA


def describe(names: Iterable[str]) -> str:
    """Return the names as they are shown: the first three, and how many more there are. Generated ones aren't shown."""
    shown = sorted({name for name in names if not name.startswith("lambent_runtime/")}, key=lambda name: (len(name), name))
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    return ", ".join(shown[:3]) + more


def _stamp(file: SourceFile) -> _Stamp | bytes:
    if file.content is not None:
        return file.content
    status = file.path.stat()
    return str(file.path), status.st_ino, status.st_size, status.st_mtime_ns, file.executable
