"""What fetching and building may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from lambent.events import Emit, ignore
from lambent.package.wheels.wheel_store import Store

NativeBuild = Callable[[Path, str, str], Path]
"""Builds a wheel with native code for the target: from a source (file or folder), its name for people, its digest."""


class Means(Struct, frozen=True):
    """`project` is the folder whose settings name the indexes; `inputs` are files elsewhere (or scripts) whose URLs may
    hold credentials. Without `native` only what is platform-neutral is built.
    """

    cache: Path
    environ: Mapping[str, str]
    project: Path
    emit: Emit = ignore
    inputs: tuple[Path, ...] = ()
    native: NativeBuild | None = None

    @property
    def store(self) -> Store:
        return Store(self.cache / "wheels")
