"""What to resolve: requirements, target and options."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from lambent.errors import PackagingError
from lambent.events import Emit, Warned, ignore
from lambent.lazy import LazyModule
from lambent.package.requirements import left_out
from lambent.package.requirements.discovery import RequirementSource
from lambent.package.target import Target
from lambent.package.uv_command import Uv
from lambent.units import listing

if TYPE_CHECKING:
    from packaging import utils
else:  # 40 ms, which a build with a cached lock saves
    utils = LazyModule("packaging.utils")


class ResolveOptions(Struct, frozen=True):
    """`extras` and `groups` are added to the project's own dependencies.

    `native` allows source distributions with C code. `refresh` resolves again even if the result is cached. `without` names
    packages that the runtime has. `freed` are requirements ("jinja2", "flask==2.0") that count instead of the project's own for
    these packages: to find an edit that helps.
    `uncompiled` packages may be built from their source, without its compiled part. `added` are requirements that a plain
    requirements file lacks; one with a lower limit counts instead of the file's own. `released_until` is the day ("2021-03-04")
    after which no release counts, "" for none.
    """

    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    native: bool = False
    refresh: bool = False
    without: tuple[str, ...] = ()
    freed: frozenset[str] = frozenset()
    uncompiled: frozenset[str] = frozenset()
    added: tuple[str, ...] = ()
    released_until: str = ""


class ResolveRequest(Struct, frozen=True, dict=True):
    """Requirements to resolve for a target. `uv` runs in the folder of the requirements. `emit` gets warnings.

    `imported` returns which of some top-level modules the app imports. It reads the app, so it is called only when needed.
    Readers add to `omitted` the packages that they leave out, and to `unlocked` those of them that only the lock lacks.
    """

    source: RequirementSource
    target: Target
    uv: Uv
    options: ResolveOptions = ResolveOptions()
    emit: Emit = ignore
    imported: Callable[[frozenset[str]], frozenset[str]] = lambda modules: frozenset()
    omitted: set[str] = field(default_factory=set)
    unlocked: set[str] = field(default_factory=set)

    @property
    def without(self) -> frozenset[str]:
        """The normalized names of the packages that `without` leaves out."""
        return frozenset(utils.canonicalize_name(name) for name in self.options.without)

    @cached_property
    def optional(self) -> frozenset[str]:
        """What is left out rather than built: servers and tools that the app doesn't import, and what `without` names."""
        return left_out.unused(self.imported(left_out.MODULES)) | self.without

    def leave_unlocked(self, names: Collection[str], command: str) -> None:
        """Leave out optional packages that the lock lacks, or has for other requirements. `command` makes the lock again."""
        if self.unlocked.issuperset(names):
            return
        self.omitted.update(names)
        self.unlocked.update(names)
        text = f"{self.source.name} is out of date for {listing(sorted(names))}, which the app doesn't import: left out"
        self.emit(Warned(text, command))

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
