"""Resolves requirements that aren't locked, with uv, until every pin has a wheel that fits the target.

uv resolves with wheels only, so that it picks the newest version *with a wheel*. A package without a wheel for any Linux is
usually pure Python and may be built from its source. A package that has wheels, but none for this target, is native code,
and is built only with `native`. Where uv's platform is wider than the target (glibc 2.26), versions whose wheels don't fit
are excluded and uv resolves again.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from msgspec import Struct, field

from lambent.errors import PackagingError
from lambent.lazy import LazyModule
from lambent.package.lock import Pin
from lambent.package.requirements.pip_compile import CompileInput, PipCompile, target_arguments, temporary_requirements
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.requirements.version_finder import VersionFinder
from lambent.package.uv_command import UvError
from lambent.package.wheels.choose_wheel import choose_wheel

if TYPE_CHECKING:
    from lambent.package.requirements import missing_wheels, uv_errors
    from lambent.package.wheels import fetch_errors
else:
    missing_wheels = LazyModule("lambent.package.requirements.missing_wheels")
    uv_errors = LazyModule("lambent.package.requirements.uv_errors")
    fetch_errors = LazyModule("lambent.package.wheels.fetch_errors")

_ROUNDS_MAX = 40


class _Adjustments(Struct):
    """What earlier rounds changed: packages to build from source, local ones among them, and versions that don't fit."""

    build: set[str] = field(default_factory=set)
    local: set[str] = field(default_factory=set)
    excluded: dict[str, list[Pin]] = field(default_factory=dict)

    def constraints(self) -> Iterator[str]:
        for name, pins in self.excluded.items():
            yield from (f"{name}!={pin.version}" for pin in pins)

    def arguments(self) -> Iterator[str]:
        for name in sorted(self.build):
            yield from ("--no-binary", name)
        for name in sorted(self.local):  # uv considers a folder unchanged as long as its pyproject.toml is
            yield from ("--refresh-package", name)


class UvResolver:
    """Resolves one request."""

    def __init__(self, request: ResolveRequest, compile_input: CompileInput) -> None:
        self._request = request
        self._input = compile_input
        self._compile = PipCompile(request)
        self.versions = VersionFinder(request, compile_input.index_lines)

    def pins(self) -> tuple[Pin, ...]:
        """Return a pin for each package. Raises PackagingError."""
        target, adjustments = self._request.target, _Adjustments()
        for _ in range(_ROUNDS_MAX):
            try:
                pins = self._resolve(adjustments)
            except UvError as error:
                self._allow_build(error.message, adjustments)
                continue
            incompatible = [pin for pin in pins if pin.wheels and choose_wheel(pin, target) is None]
            if not incompatible:
                return pins
            with ThreadPoolExecutor(4) as pool:
                for versions in pool.map(self.versions.incompatible_versions, incompatible):
                    adjustments.excluded.setdefault(versions[0].name, []).extend(versions)
        raise PackagingError(
            f"no set of versions found for {target.name} after {_ROUNDS_MAX} rounds",
            where=self._request.source.name,
            hint="pin the versions you need, such as numpy==2.2.6",
        )

    def _resolve(self, adjustments: _Adjustments) -> tuple[Pin, ...]:
        arguments = [*self._input.arguments, *target_arguments(self._request.target), *adjustments.arguments()]
        if self._request.options.refresh:
            arguments.append("--refresh")
        with temporary_requirements(adjustments.constraints()) as path:
            return self._compile.resolve(
                *arguments, "-c", str(path), no_deps=self._input.no_deps, build=bool(adjustments.build)
            )

    def _allow_build(self, message: str, adjustments: _Adjustments) -> None:
        """Let uv build the package that has no wheel, or raise PackagingError for what uv refused."""
        if full := fetch_errors.disk_full(message):
            raise full
        excluded = [pins[0] for pins in adjustments.excluded.values()]
        package = missing_wheels.blamed_package(message) or missing_wheels.excluded_package(message, excluded)
        if package is None or package.name in adjustments.build:
            raise uv_errors.translate(message, self._request) from None
        if package.is_local:
            adjustments.local.add(package.name)
            adjustments.build.add(package.name)
            return
        pin = self.versions.newest_allowed(package.spec) or self.versions.newest_allowed(package.name)
        pin = pin or next(iter(adjustments.excluded.get(package.name, ())), None)
        if pin is None:
            raise uv_errors.translate(message, self._request) from None
        if missing_wheels.has_usable_source(pin, self._request):
            adjustments.build.add(package.name)
            adjustments.excluded.pop(package.name, None)
            return
        raise missing_wheels.no_wheel_error(pin, self._request, self.versions.newest_compatible(package.name), message)
