"""Finds versions of one package: the newest with a wheel, those that don't fit the target, those an error suggests."""

from __future__ import annotations

from functools import cached_property

from msgspec.structs import replace
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from lambent.package.lock import Pin
from lambent.package.requirements.pip_compile import (
    PipCompile,
    target_arguments,
    temporary_requirements,
    version_arguments,
)
from lambent.package.requirements.requirement_lines import PYPI
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.requirements.simple_index import SimpleIndex
from lambent.package.requirements.uv_target import widen
from lambent.package.uv_command import UvError
from lambent.package.wheels.choose_wheel import choose_wheel

_STEPS_MAX = 60  # versions of one package that are tried for a wheel of an older glibc


class VersionFinder:
    """Looks up single packages for a request. `index_lines` say where uv looks for them."""

    def __init__(self, request: ResolveRequest, index_lines: tuple[str, ...]) -> None:
        self._request = request
        self._target = request.target
        self._index_lines = index_lines
        self._compile = PipCompile(request)

    @cached_property
    def _index(self) -> SimpleIndex:
        return SimpleIndex(self._request)

    def newest_compatible(self, name: str) -> Pin | None:
        """Return the newest version of a package with a wheel for the target."""
        newest = self._newest_wheel(name)
        if newest is None or choose_wheel(newest, self._target) is not None:
            return newest
        compatible = (pin for pin in self._index.versions(name, newest.index) if choose_wheel(pin, self._target))
        return next(compatible, None) or self._newest_wheel(f"{name}<{self._walk_down(newest)[-1].version}")

    def next_compatible(self, name: str, version: str) -> Pin | None:
        """Return the first version from this one on with a wheel for the target, or else the newest that has one."""
        newest = self._newest_wheel(name)
        versions = reversed(self._index.versions(name, newest.index)) if newest and version else ()
        later = (pin for pin in versions if Version(pin.version) >= Version(version) and choose_wheel(pin, self._target))
        return next(later, None) or self.newest_compatible(name)

    def newest_allowed(self, requirement: str) -> Pin | None:
        """Return the newest version that a requirement allows, with all its files, for any machine."""
        return self.with_all_files(requirement) or self._newest_listed(requirement)

    def all_versions(self, name: str) -> tuple[Pin, ...]:
        """Return all stable versions of a package that have wheels, with these, newest first."""
        newest = None if self._compile.uses_only_pypi else self.with_all_files(name)
        return self._index.versions(name, newest.index if newest else PYPI if self._compile.uses_only_pypi else "")

    def with_all_files(self, requirement: str) -> Pin | None:
        """Return uv's choice for a requirement on any machine, with all its files."""
        pin = self._resolve_one(requirement, *version_arguments(self._target), "--universal")
        if pin is None:
            return None
        return self.with_wheels_of_the_index(pin)

    def with_wheels_of_the_index(self, pin: Pin) -> Pin:
        """Return a pin with all wheels that the index has of its version. uv leaves out those that don't fit."""
        pages = self._index.versions(pin.name, pin.index)
        complete = next((candidate for candidate in pages if candidate.version == pin.version), pin)
        return replace(pin, wheels=complete.wheels)

    def incompatible_versions(self, pin: Pin) -> list[Pin]:
        """Return the versions that uv's platform accepts and the target doesn't, this one first.

        These are all such versions, or if the index doesn't list its files, those down to the next that fits.
        """
        uv_target = widen(self._target)
        versions = self._index.versions(pin.name, pin.index)
        incompatible = [
            version
            for version in versions
            if choose_wheel(version, self._target) is None and choose_wheel(version, uv_target) is not None
        ]
        if not any(version.version == pin.version for version in incompatible):
            return self._walk_down(pin)
        return [pin, *(version for version in incompatible if version.version != pin.version)]

    def _newest_listed(self, requirement: str) -> Pin | None:
        """Ask the index for a version with wheels when uv finds none because no wheel is for this system or Python."""
        try:
            parsed = Requirement(requirement)
        except InvalidRequirement:
            return None
        versions = self.all_versions(parsed.name)
        return next((pin for pin in versions if parsed.specifier.contains(pin.version, prereleases=True)), None)

    def _walk_down(self, pin: Pin) -> list[Pin]:
        incompatible = [pin]
        while len(incompatible) < _STEPS_MAX:
            older = self._newest_wheel(f"{pin.name}<{incompatible[-1].version}")
            if older is None or choose_wheel(older, self._target) is not None:
                break
            incompatible.append(older)
        return incompatible

    def _newest_wheel(self, requirement: str) -> Pin | None:
        return self._resolve_one(requirement, *target_arguments(self._target), "--only-binary", ":all:")

    def _resolve_one(self, requirement: str, *arguments: str) -> Pin | None:
        """Return the pin of one requirement without its dependencies, or None."""
        with temporary_requirements((*self._index_lines, requirement)) as path:
            try:
                return next(iter(self._compile.resolve(str(path), *arguments, no_deps=True)), None)
            except UvError:
                return None
