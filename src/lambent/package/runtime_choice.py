"""The choice of the runtime: the first of the candidates on which every requirement has a wheel, or a source that builds.

If the app or a package imports at start what that Python has removed, or is known to fail on it, an older one is taken. The
answer is cached under the key of the first candidate's lock, so a build without new requirements resolves nothing. When a
package rules a candidate out, others that it doesn't fit are skipped without being tried.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from lambent import calendar
from lambent.config.compatibility import oldest_python
from lambent.config.model import Config
from lambent.config.sourced import Sourced
from lambent.errors import PackagingError
from lambent.events import Emit, Event, RuntimeChosen, ignore
from lambent.lazy import LazyModule
from lambent.package import function_settings, runtime_imports, secret_scan
from lambent.package.build_context import BuildContext, BuildOptions
from lambent.package.cache import disk_error, read_json, write_json
from lambent.package.dependencies import Requirements, fetch_wheels, resolve_request, resolve_requirements
from lambent.package.project_files import collect_project
from lambent.package.requirements.discovery import pylock_path
from lambent.package.requirements.lock_key import lock_key
from lambent.package.target import Target
from lambent.package.unfit import ConflictError, UnfitError
from lambent.package.wheels.choose_wheel import choose_wheel

if TYPE_CHECKING:
    from lambent.package import runtime_advice
    from lambent.package.requirements import python_limits
else:
    runtime_advice = LazyModule("lambent.package.runtime_advice")  # only for requirements that fit nothing
    python_limits = LazyModule("lambent.package.requirements.python_limits")  # imports packaging

_FORMAT = "10"  # increase it when the same requirements would give another choice
_REMOVALS = (3, 10)  # the first Python that removed what packages still import


class Choice(Struct, frozen=True):
    """A runtime, and the package because of which a better one wasn't taken, "" if there was none.

    `uncompiled` are the packages that only fit without the compiled part of their source.
    """

    runtime: str
    reason: str = ""
    uncompiled: tuple[str, ...] = ()


def choose_runtime(
    config: Config, cache: Path, environ: Mapping[str, str], emit: Emit, options: BuildOptions | None = None
) -> Config:
    """Return the configuration with the best of its candidate runtimes that fits the requirements, and report why.

    Raises PackagingError if none fits: it names the packages in the way, and an edit. A runtime that the user named stays.
    """
    candidates = config.candidates
    if not candidates.runtimes:
        emit(RuntimeChosen(config.runtime, config.origins.get("runtime", "")))
        return config
    search = RuntimeSearch(config, cache, environ, emit, options or BuildOptions())
    try:
        choice = search.cached_choice()
    except OSError as error:
        raise disk_error("resolve the requirements", error, cache) from error
    origin = choice.reason or candidates.origin_of(choice.runtime)
    emit(RuntimeChosen(choice.runtime, choice.reason or candidates.note or origin))
    config = replace(config, uncompiled=frozenset(choice.uncompiled))
    return config.with_runtime(choice.runtime, origin)


def suggest_runtime(
    config: Config, error: UnfitError, cache: Path, environ: Mapping[str, str], on: date, options: BuildOptions
) -> UnfitError:
    """Return the error of a build for a runtime that the user named, with the newest runtime that fits as its hint."""
    version, _ = oldest_python(config.app, Sourced(config.runtime_client, ""))
    runtimes = [each.name for each in calendar.accepted_runtimes(on) if tuple(map(int, each.python.split("."))) >= version]
    corrections = (*config.corrections, *((requirement, "") for requirement in error.added))
    search = RuntimeSearch(replace(config, corrections=corrections), cache, environ, ignore, options)
    search.failures[config.runtime] = error
    with suppress(PackagingError):
        if runtime := search.first_fitting(each for each in runtimes if each != config.runtime):
            error.hint = f"--runtime {runtime}, or {error.hint}"
    return error


class RuntimeSearch:
    """One search for a runtime. `failures` are those that were tried and don't fit."""

    def __init__(self, config: Config, cache: Path, environ: Mapping[str, str], emit: Emit, options: BuildOptions) -> None:
        self.config, self.cache, self.environ, self.options = config, cache, environ, options
        self.failures: dict[str, UnfitError] = {}
        self._requirements: dict[str, Requirements] = {}
        self._events: dict[str, list[Event]] = {}
        self._emit = emit

    def cached_choice(self) -> Choice:
        """Return the best candidate that fits. Raises PackagingError if none does."""
        runtimes = self._order(self.config.candidates.runtimes)
        key = self._key(runtimes)
        if key is None:
            return Choice(runtimes[0])
        path = self.cache / "locks" / f"{key}.json"
        cached = None if self.options.refresh else read_json(path)
        if isinstance(cached, list) and cached and cached[0] in runtimes:
            return Choice(*cached)
        self._check_secrets()
        try:
            runtime = self.first_fitting(runtimes)
            if runtime is None:
                self._check_conflicts()
        except ConflictError as error:
            self._extend_edit(runtimes, error)
            raise
        if runtime is None:
            choice = self._uncompiled_choice(runtimes)
        else:
            runtime = self._with_imports(runtimes, runtime)
            self._report(runtime)
            choice = Choice(runtime, self._reason(runtimes, runtime))
        write_json(path, [choice.runtime, choice.reason, choice.uncompiled])
        return choice

    def _extend_edit(self, runtimes: tuple[str, ...], conflict: ConflictError) -> None:
        """Add to a conflict's hint what is in the way once its edit is made, so that the user makes one edit."""
        options = replace(self.options, edits=self.options.edits | conflict.edits)
        if options.edits == self.options.edits:
            return
        search = RuntimeSearch(self.config, self.cache, self.environ, ignore, options)
        try:
            if search.first_fitting(runtimes) is None:
                search._check_conflicts()
                search._uncompiled_choice(runtimes)
        except PackagingError as error:
            if isinstance(error, ConflictError):
                search._extend_edit(runtimes, error)
            conflict.hint += f" and {error.hint}" if error.hint else ""

    def _check_secrets(self) -> None:
        """Refuse a project with secrets before anything is downloaded for it. The build looks again."""
        config, start_modules = self.config, partial(function_settings.start_modules, self.config)
        secret_scan.check(collect_project(config).files, config.packaging.allow_secrets, start_modules)

    def _check_conflicts(self) -> None:
        """Raise the ConflictError of the runtime that is named or live, if there is one: no other runtime cures it."""
        for error in self.failures.values():
            if isinstance(error, ConflictError):
                raise error

    def _uncompiled_choice(self, runtimes: tuple[str, ...]) -> Choice:
        """Return the oldest runtime that fits if packages are built without the compiled part that no wheel has for any.

        What fits no runtime was made for an older one, unless a file or what is live names another. Raises PackagingError.
        """
        candidates = self.config.candidates
        preferred = runtimes[:1] if candidates.named_by or candidates.live else ()
        ordered = tuple(dict.fromkeys((*preferred, *reversed(runtimes))))
        names, failures = frozenset[str](), self.failures
        while (wider := names | _lacking_wheels(failures)) != names:
            names = wider
            search = RuntimeSearch(replace(self.config, uncompiled=names), self.cache, self.environ, self._emit, self.options)
            try:
                runtime = search.first_fitting(ordered)
            except PackagingError as error:
                if error.where.partition(" ")[0] not in names:
                    raise  # another package fits no runtime in any way
                break
            if runtime is not None:
                search._report(runtime)
                return Choice(runtime, self._reason(runtimes, runtime), tuple(sorted(names)))
            failures = search.failures
        self._add_blockers(failures)
        raise runtime_advice.nothing_fits(self, runtimes)

    def _add_blockers(self, failures: Mapping[str, UnfitError]) -> None:
        """Note what else is in the way, so that one edit can name all of it."""
        for runtime, error in failures.items():
            first = self.failures.setdefault(runtime, error)
            first.blockers = tuple(dict.fromkeys((*first.blockers, *error.blockers)))

    def _report(self, runtime: str) -> None:
        for event in self._events[runtime]:
            self._emit(event)

    def first_fitting(self, runtimes: Iterable[str]) -> str | None:
        """Return the first runtime that fits. Raises PackagingError for what no other runtime can cure."""
        for runtime in runtimes:
            python = runtime.removeprefix("python")
            blockers = (blocker for error in self.failures.values() for blocker in error.blockers)
            if all(blocker.fits(python) for blocker in blockers) and self.fits(runtime):
                return runtime
        return None

    def fits(self, runtime: str) -> bool:
        """Return whether the requirements fit a runtime; if not, `failures` has the reason."""
        events: list[Event] = []
        context = self.context(runtime, events.append)
        try:
            requirements = resolve_requirements(context)
            if not self.options.native:
                _build_sources(context, requirements)
        except UnfitError as error:
            if isinstance(error, ConflictError) and not (self.config.candidates.named_by or self.config.candidates.live):
                raise  # the newest Pythons seldom differ in what packages require
            self.failures[runtime] = error
            return False
        self._requirements[runtime], self._events[runtime] = requirements, events
        return True

    def _with_imports(self, runtimes: tuple[str, ...], runtime: str) -> str:
        """Return the first runtime that also has what the start imports, or `runtime` if it is named or live, or none has."""
        candidates = self.config.candidates
        if runtime == candidates.live or (candidates.named_by and runtime == candidates.runtimes[0]):
            return runtime
        failures, chosen = dict(self.failures), runtime
        while error := self._unimportable(chosen):
            self.failures[chosen] = error
            older = self.first_fitting(each for each in runtimes if each not in self.failures)
            if older is None:
                self.failures = failures
                return runtime
            chosen = older
        return chosen

    def _unimportable(self, runtime: str) -> UnfitError | None:
        """Return why the app can't start on a runtime for which its requirements are resolved, None if it can."""
        context = self.context(runtime, self._emit)
        requirements = self._requirements[runtime]
        python = context.target.python
        if blockers := tuple(python_limits.python_blockers(requirements.lock.pins, python)):
            return UnfitError(PackagingError(blockers[0].describe(python)), blockers)
        if context.target.version < _REMOVALS:
            return None
        return runtime_imports.check(context, requirements)

    def context(self, runtime: str, emit: Emit = ignore) -> BuildContext:
        config = replace(self.config, runtime=runtime)
        return BuildContext.start(config, self.cache, self.environ, emit, self.options)

    def _order(self, runtimes: tuple[str, ...]) -> tuple[str, ...]:
        """Put runtimes first for which lambent wrote a lock."""
        targets = {runtime: Target.of(replace(self.config, runtime=runtime)) for runtime in runtimes}
        return tuple(sorted(runtimes, key=lambda runtime: not pylock_path(self.config.path, targets[runtime]).is_file()))

    def _key(self, runtimes: tuple[str, ...]) -> str | None:
        """Return the key of the choice, or None if nothing can decide it: no requirement, and no import of what changed."""
        context = self.context(runtimes[0])
        request = resolve_request(context)
        affected = runtime_imports.affected_imports(context)
        if request.source.path is None and not affected:
            return None
        lock = lock_key(request) if request.source.path else ""
        candidates = self.config.candidates
        parts = [_FORMAT, lock, self.config.app.spec, candidates.live, candidates.named_by, *runtimes, *sorted(affected)]
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:40]

    def _reason(self, runtimes: tuple[str, ...], chosen: str) -> str:
        """Return why the wanted runtime isn't taken: the one that is named or live, or the next newer one."""
        if chosen == runtimes[0]:
            return ""
        candidates = self.config.candidates
        better = runtimes[0] if candidates.named_by or candidates.live else runtimes[runtimes.index(chosen) - 1]
        python = better.removeprefix("python")
        failure = self.failures.get(better)
        tried = [blocker for error in self.failures.values() for blocker in error.blockers]
        blocker = failure.blockers[0] if failure else next(each for each in tried if not each.fits(python))
        return blocker.describe(python)


def _build_sources(context: BuildContext, requirements: Requirements) -> None:
    """Build the packages that only have a source. Raises UnfitError; other failures are left to the build itself."""
    lock = requirements.lock
    sources = tuple(pin for pin in lock.pins if pin.sdist is not None and choose_wheel(pin, context.target) is None)
    if not sources:
        return
    try:
        fetch_wheels(context, replace(requirements, lock=replace(lock, pins=sources)))
    except UnfitError:
        raise
    except PackagingError:
        if context.config.uncompiled:  # it doesn't build for any Python
            raise


def _lacking_wheels(failures: Mapping[str, UnfitError]) -> frozenset[str]:
    return frozenset(blocker.name for error in failures.values() for blocker in error.blockers if blocker.lacks_wheel)
