"""Resolves requirements that aren't locked, with uv, until every pin has something for the target.

The versions are those that `uv pip compile` picks, sources included. A source is usable if it is pure Python: without a wheel
for any Linux, it usually is. A version that has wheels, but none for this target, is native code: then, and if its metadata
can't be built, uv resolves again with wheels only for that package, and lambent says which version it takes instead. Where
uv's platform is wider than the target (glibc 2.26), versions whose wheels don't fit are excluded and uv resolves again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.utils import canonicalize_name

from lambent.errors import PackagingError
from lambent.events import Notice
from lambent.lazy import LazyModule
from lambent.package.lock import Pin
from lambent.package.requirements import known_limits, left_out
from lambent.package.requirements.conflicting_pins import find_absent_pin, find_conflicting_pins
from lambent.package.requirements.implied_packages import Implied, find_implied
from lambent.package.requirements.known_limits import Limit
from lambent.package.requirements.pip_compile import (
    CompileInput,
    PipCompile,
    target_arguments,
    temporary_requirements,
    undated_argument,
    version_arguments,
)
from lambent.package.requirements.requirement_lines import decode
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.requirements.unneeded import find_unneeded
from lambent.package.requirements.version_finder import VersionFinder
from lambent.package.unfit import Blocker, ConflictError, UnfitError
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
_OTHER_INDEX = "A compatible version may be available on a subsequent index"
"""uv takes a package from the first index that has it. For pip, an --extra-index-url is as good as the first."""


class _Adjustments(Struct):
    """What earlier rounds changed.

    `native` are packages of which only wheels will do, each with the version that has none (None if its build failed) and
    uv's message. `local` are folders, `left_out` packages that the zip doesn't need, and `excluded` versions that don't fit.
    `limits` are those that old releases didn't declare, None once they turned out to conflict with the requirements. `edits`
    are requirements that count instead of the user's own, to see whether an edit helps, and `implied` are added to them.
    `undated` are packages of which later releases count too, although a day limits the others: they had no wheels by then.
    """

    native: dict[str, tuple[Pin | None, str]] = field(default_factory=dict)
    local: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)
    excluded: dict[str, list[Pin]] = field(default_factory=dict)
    limits: dict[str, Limit] | None = field(default_factory=dict)
    edits: dict[str, str] = field(default_factory=dict)
    implied: dict[str, Implied] = field(default_factory=dict)
    undated: set[str] = field(default_factory=set)
    all_indexes: bool = False

    def constraints(self) -> Iterator[str]:
        yield from (limit.requirement for limit in (self.limits or {}).values())
        for name, pins in self.excluded.items():
            yield from (f"{name}!={pin.version}" for pin in pins)

    def arguments(self) -> Iterator[str]:
        for name in sorted(self.native):
            yield from ("--only-binary", name)
        for name in sorted(self.local):  # uv considers a folder unchanged as long as its pyproject.toml is
            yield from ("--refresh-package", name)
        if self.all_indexes:
            yield from ("--index-strategy", "unsafe-best-match")
        yield from map(undated_argument, sorted(self.undated))


class UvResolver:
    """Resolves one request."""

    def __init__(self, request: ResolveRequest, compile_input: CompileInput) -> None:
        self._request = request
        self._input = compile_input
        self._compile = PipCompile(request)
        self.versions = VersionFinder(request, compile_input.index_lines)

    def pins(self) -> tuple[Pin, ...]:
        """Return a pin for each package, except those that are left out. Raises PackagingError."""
        request = self._request
        foreign = left_out.for_other_systems(self._named_optional())
        adjustments = _Adjustments(left_out={*request.without, *foreign})
        pins = self._settle(adjustments)
        request.omitted.update(adjustments.left_out)
        if request.without:  # what only those packages need is left out as well
            with suppress(UvError):
                request.omitted.update({pin.name for pin in self._resolve(_Adjustments())} - {pin.name for pin in pins})
        return pins

    def _settle(self, adjustments: _Adjustments) -> tuple[Pin, ...]:
        """Resolve until nothing has to change."""
        for _ in range(_ROUNDS_MAX):
            try:
                pins = self._resolve(adjustments)
            except UvError as error:
                if any(name in error.message for name in adjustments.limits or ()):
                    adjustments.limits = None
                else:
                    self._recover(error.message, adjustments)
                continue
            if not self._review(pins, adjustments):
                self._report(pins, adjustments)
                return pins
        raise PackagingError(
            f"no set of versions found for {self._request.target.name} after {_ROUNDS_MAX} rounds",
            where=self._request.source.name,
            hint="pin the versions you need, such as numpy==2.2.6",
        )

    def _resolve(self, adjustments: _Adjustments) -> tuple[Pin, ...]:
        with self._arguments(adjustments) as arguments:
            return self._compile.resolve(*arguments, no_deps=self._input.no_deps)

    @cached_property
    def _dated_requirements(self) -> dict[str, str]:
        """The newest releases until a given day of what the requirements name: uv goes back further where one doesn't build."""
        if not self._request.options.released_until:
            return {}
        pins = self._compile.resolve(*self._input.arguments, *version_arguments(self._request.target), no_deps=True)
        return {pin.name: f"{pin.name}=={pin.version}" for pin in pins if pin.version}

    @contextmanager
    def _arguments(self, adjustments: _Adjustments) -> Iterator[list[str]]:
        arguments = [*self._input.arguments, *target_arguments(self._request.target), *adjustments.arguments()]
        if self._request.options.refresh:
            arguments.append("--refresh")
        excludes = [*left_out.always(), *sorted(adjustments.left_out)]
        freed = sorted(self._request.options.freed) if self._request.source.kind != "requirements.txt" else []
        freed += adjustments.edits.values()
        freed += (line for line in self._request.options.added if ">=" in line)
        dated = (line for name, line in self._dated_requirements.items() if name not in adjustments.undated)
        implied = (each.requirement or name for name, each in adjustments.implied.items())
        added = [*self._request.options.added, *implied, *dated]  # an override alone adds no package
        with ExitStack() as files:
            paths = [
                files.enter_context(temporary_requirements(lines))
                for lines in (adjustments.constraints(), excludes, freed, added)
            ]
            arguments += [str(paths[3])] if added else []
            arguments += ["-c", str(paths[0]), "--excludes", str(paths[1]), *(["--override", str(paths[2])] if freed else [])]
            yield arguments

    def _review(self, pins: Sequence[Pin], adjustments: _Adjustments) -> bool:
        """Note what the next round has to change. Return whether there is anything."""
        target, optional = self._request.target, self._request.optional
        local = {pin.name for pin in pins if pin.folder} - adjustments.local
        adjustments.local |= local
        uncompiled = self._request.options.uncompiled
        misfits = [pin for pin in pins if pin.wheels and choose_wheel(pin, target) is None and pin.name not in uncompiled]
        sources = [pin for pin in pins if pin.sdist and not pin.wheels and pin.name not in adjustments.native]
        with ThreadPoolExecutor(4) as pool:
            complete = list(pool.map(self.versions.with_wheels_of_the_index, sources))
        native = [pin for pin in complete if not missing_wheels.has_usable_source(pin, self._request)]
        unneeded = {pin.name for pin in (*misfits, *sources) if pin.name in optional}
        unneeded |= self._required_by_unused({pin.name: pin for pin in (*misfits, *native)}, adjustments)
        adjustments.left_out |= unneeded
        misfits = [pin for pin in misfits if pin.name not in unneeded]
        if self._undate({pin.name for pin in (*misfits, *native)} - unneeded, adjustments):
            return True
        self._check_limits([*misfits, *native], adjustments)
        with ThreadPoolExecutor(4) as pool:
            for versions in pool.map(self.versions.incompatible_versions, misfits):
                adjustments.excluded.setdefault(versions[0].name, []).extend(versions)
        adjustments.native |= {pin.name: (pin, "") for pin in native if pin.name not in unneeded}
        is_limited = self._limit(pins, adjustments)
        implied = {} if self._input.no_deps else {each.name: each for each in find_implied(pins, self._request)}
        implied = {name: each for name, each in implied.items() if name not in adjustments.implied}
        adjustments.implied |= implied
        return bool(local or misfits or native or unneeded or is_limited or implied)

    def _undate(self, names: set[str], adjustments: _Adjustments) -> bool:
        """Let later releases of packages count although a day limits the others. Return whether that changes anything."""
        later = names - adjustments.undated if self._request.options.released_until else set[str]()
        adjustments.undated |= later
        return bool(later)

    def _limit(self, pins: Sequence[Pin], adjustments: _Adjustments) -> bool:
        """Note the limits that pins exceed. Return whether there are any."""
        if adjustments.limits is None or self._input.no_deps:
            return False
        limits = known_limits.exceeded(pins)
        adjustments.limits |= limits
        return bool(limits)

    def _check_limits(self, misfits: Sequence[Pin], adjustments: _Adjustments) -> None:
        """Raise UnfitError if nothing below a limit fits: uv would go back to releases so old that they don't need it."""
        for pin in misfits:
            limit = (adjustments.limits or {}).get(pin.name)
            if limit and self.versions.newest_compatible(limit.requirement) is None:
                raise missing_wheels.no_wheel_error(pin, self._request, None)

    def _required_by_unused(self, unfit: Mapping[str, Pin], adjustments: _Adjustments) -> set[str]:
        """Return those of the packages that only servers and tools require which the app doesn't import, and say so."""
        request = self._request
        if unfit.keys() <= request.optional or self._input.no_deps:
            return set()
        with self._arguments(adjustments) as arguments:
            parents = self._compile.parents(*arguments)
        return find_unneeded({name: pin.version for name, pin in unfit.items()}, parents, request)

    def _recover(self, message: str, adjustments: _Adjustments) -> None:
        """Note what to change after uv's refusal, or raise PackagingError."""
        if full := fetch_errors.disk_full(message):
            raise full
        is_elsewhere = _OTHER_INDEX in " ".join(message.split()) and not adjustments.all_indexes
        if is_elsewhere and any(line.startswith("--extra-index-url") for line in self._input.index_lines):
            adjustments.all_indexes = True
            return
        if (module := missing_wheels.standard_module(message, self._request.target)) and module not in adjustments.left_out:
            adjustments.left_out.add(module)
            python = self._request.target.python
            self._request.emit(Notice(f"{module} is left out: it isn't a package, Python {python} has it itself"))
            return
        if failed := missing_wheels.failed_build(message):
            self._do_without_build(failed, message, adjustments)
            return
        if (invalid := missing_wheels.invalid_release(message)) and invalid not in adjustments.native:
            adjustments.native[invalid] = (None, "")  # of its source: the wheels may be better
            return
        excluded = [pins[0] for pins in adjustments.excluded.values()]
        package = missing_wheels.blamed_package(message) or missing_wheels.excluded_package(message, excluded)
        if package is None:
            words = set(re.findall(r"[\w.-]*\w", message))
            tools = {name for name in self._named_optional() - adjustments.left_out if name in words}
            if not tools:
                raise self._conflict(message, adjustments) from None
            adjustments.left_out |= tools
            return
        if package.name in self._request.optional and package.name not in adjustments.left_out:
            adjustments.left_out.add(package.name)
            return
        if self._undate({package.name}, adjustments):
            return
        raise self._no_wheel(package, message, adjustments)

    def _do_without_build(self, failed: str, message: str, adjustments: _Adjustments) -> None:
        """Note what to change after the build of a package has failed, or raise PackagingError."""
        if failed in adjustments.native or failed in adjustments.left_out:
            raise uv_errors.translate(message, self._request) from None
        if self._undate({failed} - self._request.optional, adjustments):
            return
        if failed in self._request.optional:
            adjustments.left_out |= {*self._named_optional(), failed}
        else:
            adjustments.native[failed] = (None, message)

    def _conflict(self, message: str, adjustments: _Adjustments) -> UnfitError:
        """Return the error for requirements that can't be met together, with an edit that was tried and helps."""
        pins = [pin for pin, _ in find_conflicting_pins(message).values()]
        translated = uv_errors.translate(message, self._request)
        if isinstance(translated, UnfitError) and not pins:  # it needs another Python, and conflicts with nothing
            return translated
        name, _, version = pins[0].partition("==") if pins else ("a requirement", "", "")
        error = ConflictError(translated, [Blocker(name, version, "conflicts with another one on {python}")])
        if (absent := find_absent_pin(message)) and (close := self.versions.newest_allowed(absent.close)):
            error.hint = f"{close.name}=={close.version} instead of {absent.pin}"
            error.edits = frozenset([f"{close.name}=={close.version}"])
            return error
        changes: dict[str, str] = {}
        while edits := {name: edit for name, edit in find_conflicting_pins(message).items() if name not in adjustments.edits}:
            changes |= {new: old for old, new in edits.values()}
            adjustments.edits |= {name: new for name, (_, new) in edits.items()}
            try:
                self._resolve(adjustments)
            except UvError as failure:
                message = failure.message
                if missing_wheels.blamed_package(message) is None:  # the next error is of another kind
                    continue
            error.hint = " and ".join(f"{new} instead of {old}" for new, old in changes.items())
            error.edits = frozenset(changes)
            break
        return error

    def _named_optional(self) -> frozenset[str]:
        """Return the servers and tools that the requirements name: their sources would be built one after the other."""
        try:
            text = decode(self._request.path.read_bytes())
        except OSError:
            return frozenset()
        words = re.findall(r"[\w.-]*\w", text)
        return frozenset(canonicalize_name(word) for word in words) & self._request.optional

    def _no_wheel(self, package: missing_wheels.Package, message: str, adjustments: _Adjustments) -> PackagingError:
        pin, build_message = adjustments.native.get(package.name, (None, ""))
        if build_message:
            error = uv_errors.translate(build_message, self._request)
            if compatible := self.versions.newest_compatible(package.name):
                error.hint = f"{compatible.name}=={compatible.version}, which has a wheel, or {error.hint}"
            return error
        is_exact = "==" in package.spec
        pin = pin or self.versions.newest_allowed(package.spec)
        pin = pin or (None if is_exact else self.versions.newest_allowed(package.name))
        pin = pin or next(iter(adjustments.excluded.get(package.name, ())), None)
        if pin is None:
            return uv_errors.translate(message, self._request)
        refusal = missing_wheels.no_wheel_error(pin, self._request, self.versions.newest_compatible(package.name), message)
        if not is_exact:  # an older version may have wheels for other Pythons
            refusal.blockers = tuple(replace(blocker, pythons=None) for blocker in refusal.blockers)
        return refusal

    def _report(self, pins: Sequence[Pin], adjustments: _Adjustments) -> None:
        """Say which versions are older than those that uv would take."""
        if limits := adjustments.limits:
            older = ", ".join(f"{pin.name} {pin.version}" for pin in pins if pin.name in limits)
            names = " and ".join(sorted({limit.name for limit in limits.values()}))
            self._request.emit(Notice(f"{older}: this release of {names} can't be imported with a later one"))
        for each in adjustments.implied.values():
            self._request.emit(Notice(each.reason))
        if adjustments.all_indexes:
            text = f"{self._request.source.name} has --extra-index-url: versions come from all of its indexes, as for pip"
            self._request.emit(Notice(text))
        for pin in pins:
            newest, message = adjustments.native.get(pin.name, (None, ""))
            if newest is not None and newest.version != pin.version:
                text = f"{newest.name} {newest.version} has no wheel for {self._request.target.name}: using {pin.version}"
                self._request.emit(Notice(text))
            elif message:
                failure = missing_wheels.failed_spec(message)
                self._request.emit(Notice(f"the source of {failure} doesn't build here: using {pin.name} {pin.version}"))
