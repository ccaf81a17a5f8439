"""What to resolve: requirements, target and options."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from lambent.errors import PackagingError
from lambent.events import Emit, ignore
from lambent.package.requirements.discovery import RequirementSource
from lambent.package.target import Target
from lambent.package.uv_command import Uv


class ResolveOptions(Struct, frozen=True):
    """`extras` and `groups` are added to the project's own dependencies.

    `native` allows source distributions with C code. `refresh` resolves again even if the result is cached.
    """

    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    native: bool = False
    refresh: bool = False


class ResolveRequest(Struct, frozen=True):
    """Requirements to resolve for a target. `uv` runs in the folder of the requirements. `emit` gets warnings."""

    source: RequirementSource
    target: Target
    uv: Uv
    options: ResolveOptions = ResolveOptions()
    emit: Emit = ignore

    @property
    def path(self) -> Path:
        """The file with the requirements."""
        assert self.source.path is not None
        return self.source.path


def check_names(kind: str, names: Iterable[str], existing: Iterable[str], where: str) -> None:
    """Raise PackagingError for the first of `names` that isn't an existing `kind` ("extra", "dependency group")."""
    choices = sorted(existing)
    for name in names:
        if name not in choices:
            hint = f"choose from {', '.join(choices)}" if choices else f"there are no {kind}s"
            raise PackagingError(f"no {kind} {name}", where=where, hint=hint)
