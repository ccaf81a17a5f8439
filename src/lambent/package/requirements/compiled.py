"""What is not locked is resolved by uv, for the target, until every pin has a wheel that the target takes.

Wheels only, so that the newest version *with a wheel* is taken. A package that has no wheel for any Linux is pure Python
as a rule and may be built from its source; one that has wheels, but none for this target, is native code, and a source
build of it is let in only with `native`. Where uv's platform is wider than the target (glibc 2.26), versions whose wheels
do not fit are ruled out and uv is asked again.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from lambent import interpreters
from lambent.errors import PackagingError
from lambent.lazy import LazyModule
from lambent.package.lock import Pin
from lambent.package.requirements import pylock, wheelless
from lambent.package.requirements.lines import extras_of, name_of, normalised
from lambent.package.requirements.markers import full_version, holds, uv_platform, widened
from lambent.package.requirements.offers import Offers
from lambent.package.requirements.question import Options, Question, names_indexes
from lambent.package.target import Target
from lambent.package.urls import without_credentials
from lambent.package.uv_command import UvFailed
from lambent.package.wheels.choose_wheel import choose_wheel

if TYPE_CHECKING:
    from lambent.package.requirements import refusals, unfitting
    from lambent.package.wheels import fetch_errors
else:
    refusals = LazyModule("lambent.package.requirements.refusals")
    unfitting = LazyModule("lambent.package.requirements.unfitting")
    fetch_errors = LazyModule("lambent.package.wheels.fetch_errors")

PYPI = "https://pypi.org/simple"
_ANNOTATED = re.compile(r"^(\S+?)(?: ?[=@].*)?\n\s+# from (\S+)", re.MULTILINE)
_ROUNDS_MAX = 40
_STEPS_MAX = 60  # versions of one package that are tried for a wheel of an older glibc


class Sources(Struct, frozen=True):
    """What uv is given: files or names of extras as arguments, and the lines that say where packages are looked for.

    `no_deps` takes the lines as they are; `lines` are the requirements themselves when there is no file of them.
    """

    arguments: tuple[str, ...]
    options: tuple[str, ...] = ()
    no_deps: bool = False


class _State(Struct):
    """What was learned in earlier rounds."""

    build: set[str] = field(default_factory=set)
    local: set[str] = field(default_factory=set)
    unfit: dict[str, list[Pin]] = field(default_factory=dict)

    def constraints(self) -> Iterator[str]:
        for name, pins in self.unfit.items():
            yield from (f"{name}!={pin.version}" for pin in pins)


class Compiler(Struct, dict=True):
    """uv pip compile for one question."""

    question: Question
    sources: Sources

    @cached_property
    def offers(self) -> Offers:
        return Offers(self.question)

    @cached_property
    def _one_index(self) -> bool:
        return not names_indexes(self.question)

    def pins(self) -> tuple[Pin, ...]:
        """Raises PackagingError."""
        state = _State()
        for _ in range(_ROUNDS_MAX):
            try:
                pins = self._compile(self.sources, state)
            except UvFailed as error:
                self._learn(error.text, state)
                continue
            unfit = [pin for pin in pins if pin.wheels and choose_wheel(pin, self.question.uv.target) is None]
            if not unfit:
                return pins
            with ThreadPoolExecutor(4) as pool:
                for walked in pool.map(self._unfit, unfit):
                    state.unfit.setdefault(walked[0].name, []).extend(walked)
        raise PackagingError(
            f"no set of versions found for {self.question.uv.target.name} after {_ROUNDS_MAX} rounds",
            where=self.question.asked.source,
            hint="write the versions you need: numpy==2.2.6",
        )

    def _compile(self, sources: Sources, state: _State) -> tuple[Pin, ...]:
        with requirements_file(state.constraints()) as constraints:
            words = [*sources.arguments, *self._words(state), "-c", str(constraints)]
            return self._resolved(*words, no_deps=sources.no_deps, build=bool(state.build))

    def _resolved(self, *words: str, no_deps: bool, build: bool = False) -> tuple[Pin, ...]:
        """One resolution. The indexes are said in uv's other format only, and asked for where there may be several."""
        run = partial(self._uv, no_deps=no_deps, build=build)
        pins = self._parsed(run(*words))
        if self._one_index:
            return pins
        text = run(*words, "--emit-index-annotation", "--no-annotate", form="requirements.txt")
        indexes = {name_of(name): index for name, index in _ANNOTATED.findall(text)}
        return tuple(replace(pin, index=without_credentials(indexes.get(pin.name, ""))) for pin in pins)

    def _parsed(self, text: str) -> tuple[Pin, ...]:
        index = PYPI if self._one_index else ""
        place = pylock.Place(self.question.uv.folder, self.question.asked.source, index)
        return pylock.parse(text, place, self.question.uv.target, Options())

    def _words(self, state: _State) -> list[str]:
        target = self.question.uv.target
        words = ["--python-version", full_version(target), "--python-platform", uv_platform(target)]
        words += ["--only-binary", ":all:", *_each("--no-binary", sorted(state.build))]
        # uv takes a folder for unchanged while its pyproject.toml is
        words += _each("--refresh-package", sorted(state.local))
        if self.question.options.refresh:
            words.append("--refresh")
        return words

    def _uv(self, *words: str, no_deps: bool = False, build: bool = False, form: str = "pylock.toml") -> str:
        uv = self.question.uv
        fixed = ["pip", "compile", "--format", form, "--no-header", "-q", *(["--no-deps"] if no_deps else [])]
        more = uv.without_compiler() if build and not self.question.options.native else {}
        return uv.run(*fixed, *words, "--python", self._python, **more)

    @cached_property
    def _python(self) -> str:
        """Said, since uv would start every Python of this machine to find one of the very version."""
        target = self.question.uv.target
        found = interpreters.find(target.python, self.question.uv.environ)
        return str(found.path) if found else sys.executable

    def _probe(self, requirement: str, *words: str) -> Pin | None:
        """The pin of one requirement alone, without what it depends on; None when there is none."""
        with requirements_file((*self.sources.options, requirement)) as listed:
            try:
                return next(iter(self._resolved(str(listed), *words, no_deps=True)), None)
            except UvFailed:
                return None

    def _newest(self, requirement: str) -> Pin | None:
        target = self.question.uv.target
        words = ["--python-version", full_version(target), "--python-platform", uv_platform(target)]
        return self._probe(requirement, *words, "--only-binary", ":all:")

    def everything(self, requirement: str) -> Pin | None:
        """The newest version that a requirement allows, with all of its files, for whatever machine and Python."""
        words = ["--python-version", full_version(self.question.uv.target)]
        found = self._probe(requirement, *words, "--universal")  # without the wheels of older Pythons
        if found is None:
            return None
        same = next((pin for pin in self.offers.of(found.name, found.index) if pin.version == found.version), found)
        return replace(found, wheels=same.wheels)

    def _offered(self, requirement: str) -> Pin | None:
        """The newest version with wheels that a requirement allows, when uv can tell nothing since none is for this system."""
        from packaging.requirements import InvalidRequirement, Requirement  # 30 ms, for an error's words

        try:
            asked = Requirement(requirement)
        except InvalidRequirement:
            return None
        there = self.offers.of(normalised(asked.name), PYPI) if self._one_index else ()
        return next((pin for pin in there if asked.specifier.contains(pin.version, prereleases=True)), None)

    def _unfit(self, pin: Pin) -> list[Pin]:
        """The versions that uv's platform takes and the target does not, this one first: all, or those down to the next."""
        target, wider = self.question.uv.target, widened(self.question.uv.target)
        there = self.offers.of(pin.name, pin.index)
        unfit = [one for one in there if choose_wheel(one, target) is None and choose_wheel(one, wider) is not None]
        if not any(one.version == pin.version for one in unfit):
            return self._walk(pin)
        return [pin, *(one for one in unfit if one.version != pin.version)]

    def _walk(self, pin: Pin) -> list[Pin]:
        walked = [pin]
        while len(walked) < _STEPS_MAX:
            older = self._newest(f"{pin.name}<{walked[-1].version}")
            if older is None or choose_wheel(older, self.question.uv.target) is not None:
                break
            walked.append(older)
        return walked

    def fitting(self, name: str) -> Pin | None:
        """The newest version of a package with a wheel for the target."""
        newest = self._newest(name)
        if newest is None or choose_wheel(newest, self.question.uv.target) is not None:
            return newest
        with_wheels = (pin for pin in self.offers.of(name, newest.index) if choose_wheel(pin, self.question.uv.target))
        return next(with_wheels, None) or self._newest(f"{name}<{self._walk(newest)[-1].version}")

    def _learn(self, text: str, state: _State) -> None:
        """Lets a package be built that has no wheels, or raises the PackagingError that tells what uv refused."""
        asked, uv = self.question.asked, self.question.uv
        if full := fetch_errors.disk_full(text):
            raise full
        package = wheelless.blamed(text) or wheelless.ruled_out(text, [pins[0] for pins in state.unfit.values()])
        if package is None:
            raise refusals.translate(text, uv, asked.source) from None
        if package.name in state.build:
            raise refusals.translate(text, uv, asked.source) from None
        if package.local:
            state.local.add(package.name)
            state.build.add(package.name)
            return
        there = self.everything(package.spec) or self._offered(package.spec)
        there = there or self.everything(package.name) or self._offered(package.name)
        if there is None and not state.unfit.get(package.name):
            raise refusals.translate(text, uv, asked.source) from None
        there = there or state.unfit[package.name][0]
        if there.sdist and (self.question.options.native or not wheelless.has_linux_wheels(there)):
            state.build.add(package.name)
            state.unfit.pop(package.name, None)
            return
        raise unfitting.not_fitting(there, self.question, self.fitting(package.name), text)


@contextmanager
def requirements_file(lines: Iterable[str]) -> Iterator[Path]:
    """The lines as a file that uv can read; gone afterwards, and nobody else's to read: an address may hold a password."""
    with tempfile.TemporaryDirectory(prefix="lambent-") as folder:
        path = Path(folder) / "requirements.txt"
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        path.chmod(0o600)
        yield path


def _each(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def without_project(pins: Sequence[Pin], project: Path) -> tuple[Pin, ...]:
    """Without the project itself (`-e .`): its files are packed as they are."""
    return tuple(pin for pin in pins if pin.folder is None or pin.folder.resolve() != project.resolve())


def asked_for(pins: Sequence[Pin], lines: Iterable[str], target: Target) -> tuple[Pin, ...]:
    """With `asked` and `extras` set on those that the user's requirements name; all are asked for when nobody can tell."""
    wanted: dict[str, set[str]] = {}
    for line in lines:
        wanted.setdefault(name_of(line), set()).update(extras_of(line) if holds(line, target) else ())
    return tuple(
        replace(pin, asked=not wanted or pin.name in wanted, extras=tuple(sorted(wanted.get(pin.name, ())))) for pin in pins
    )
