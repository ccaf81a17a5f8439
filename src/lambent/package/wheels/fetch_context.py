"""What fetching and building wheels needs: the cache, the environment, the project's index settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from lambent.events import Emit, ignore
from lambent.package.wheels.wheel_store import WheelStore

NativeBuild = Callable[[Path, str, str], Path]
"""Builds a wheel with native code for the target from a source (file or folder), its display name and its digest."""


class FetchContext(Struct, frozen=True):
    """`project` is the folder whose settings name the indexes. `inputs` are other files (requirements files, scripts) whose
    URLs may hold credentials. Without `native`, only platform-neutral wheels are built. Packages in `uncompiled` are built
    although their source has a part to compile.
    """

    cache: Path
    environ: Mapping[str, str]
    project: Path
    emit: Emit = ignore
    inputs: tuple[Path, ...] = ()
    native: NativeBuild | None = None
    uncompiled: frozenset[str] = frozenset()

    @property
    def store(self) -> WheelStore:
        return WheelStore(self.cache / "wheels")
