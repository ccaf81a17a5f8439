"""Requirements that don't fit the target's Python, although they may fit another: what is in the way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import Struct

from lambent import calendar
from lambent.errors import PackagingError
from lambent.lazy import LazyModule

if TYPE_CHECKING:
    from packaging import specifiers
else:  # only needed for what doesn't fit
    specifiers = LazyModule("packaging.specifiers")


NO_WHEEL = "has no wheel for {python}"


class Blocker(Struct, frozen=True):
    """A package that doesn't fit a Python version.

    `reason` completes the package's name, with "{python}" for the version: "has no wheel for {python}". `pythons` are the
    versions that it fits, None if that is unknown. `is_requested` is true if the user's own files name the package.
    """

    name: str
    version: str
    reason: str
    pythons: frozenset[str] | None = None
    is_requested: bool = True

    @property
    def package(self) -> str:
        return f"{self.name} {self.version}".strip()

    @property
    def lacks_wheel(self) -> bool:
        """Return whether its source may fit, where only its wheels don't."""
        return self.reason == NO_WHEEL

    def describe(self, python: str) -> str:
        return f"{self.package} {self.reason.format(python=python)}"

    def fits(self, python: str) -> bool:
        """Return whether the package may fit this version."""
        return self.pythons is None or python in self.pythons


class UnfitError(PackagingError):
    """The requirements don't fit the target's Python. Another runtime may fit all of them.

    `added` are those that the build added to the user's own.
    """

    def __init__(self, error: PackagingError, blockers: Iterable[Blocker]) -> None:
        super().__init__(error.what, where=error.where, hint=error.hint, detail=error.detail)
        self.blockers = tuple(blockers)
        self.added: tuple[str, ...] = ()


class ConflictError(UnfitError):
    """The requirements conflict on the target's Python. On another they may not: some depend on the version.

    `edits` are the requirements with which they don't ("six>=1.12"). Empty if none were found.
    """

    edits: frozenset[str] = frozenset()


def fitting_pythons(specifier: str) -> frozenset[str] | None:
    """Return Lambda's Python versions that a specifier such as ">=3.8,<3.12" allows, None if it can't be read."""
    try:
        allowed = specifiers.SpecifierSet(specifier)
    except specifiers.InvalidSpecifier:
        return None
    patches = (*range(31), 99)
    pythons = (runtime.python for runtime in calendar.RUNTIMES)
    return frozenset(python for python in pythons if any(allowed.contains(f"{python}.{patch}") for patch in patches))


def pythons_before(removed: str) -> frozenset[str]:
    """Return Lambda's Python versions before the one that removed something."""
    return frozenset(runtime.python for runtime in calendar.RUNTIMES if _minor(runtime.python) < _minor(removed))


def _minor(python: str) -> int:
    return int(python.partition(".")[2])
