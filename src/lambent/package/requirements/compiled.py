"""What is not locked is resolved by uv, for the target, until every pin has a wheel that the target takes.

Wheels only, so that the newest version *with a wheel* is taken. A package that has no wheel for any Linux is pure Python
as a rule and may be built from its source; one that has wheels, but none for this target, is native code, and a source
build of it is let in only with `native`. Where uv's platform is wider than the target (glibc 2.26), versions whose wheels
do not fit are ruled out and uv is asked again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from lambent.errors import PackagingError
from lambent.package.lock import Pin
from lambent.package.requirements import pylock, wheelless
from lambent.package.requirements.markers import full_version, uv_platform
from lambent.package.requirements.question import Options, Question
from lambent.package.requirements.refused import not_fitting, translate
from lambent.package.uv import UvFailed
from lambent.package.wheels.choose import choose

_ROUNDS_MAX = 40
_STEPS_MAX = 60  # versions of one package that are tried for a wheel of an older glibc


@dataclass(frozen=True)
class Sources:
    """What uv is given: files or names of extras as arguments, and the lines that say where packages are looked for.

    `no_deps` takes the lines as they are; `lines` are the requirements themselves when there is no file of them.
    """

    arguments: tuple[str, ...]
    options: tuple[str, ...] = ()
    no_deps: bool = False


@dataclass
class _State:
    """What was learned in earlier rounds."""

    build: set[str] = field(default_factory=set)
    unfit: dict[str, list[Pin]] = field(default_factory=dict)

    def constraints(self) -> Iterator[str]:
        for name, pins in self.unfit.items():
            yield from (f"{name}!={pin.version}" for pin in pins)


@dataclass(frozen=True)
class Compiler:
    """uv pip compile for one question."""

    question: Question
    sources: Sources

    def pins(self) -> tuple[Pin, ...]:
        """Raises PackagingError."""
        state = _State()
        for _ in range(_ROUNDS_MAX):
            try:
                pins = self._compile(self.sources, state)
            except UvFailed as error:
                self._learn(error.text, state)
                continue
            unfit = [pin for pin in pins if pin.wheels and choose(pin, self.question.uv.target) is None]
            if not unfit:
                return pins
            with ThreadPoolExecutor(4) as pool:
                for walked in pool.map(self._walk, unfit):
                    state.unfit.setdefault(walked[0].name, []).extend(walked)
        raise PackagingError(
            f"no set of versions found for {self.question.uv.target.name} after {_ROUNDS_MAX} rounds",
            where=self.question.asked.source,
            hint="write the versions you need: numpy==2.2.6",
        )

    def _compile(self, sources: Sources, state: _State) -> tuple[Pin, ...]:
        target = self.question.uv.target
        words = ["--python-version", full_version(target), "--python-platform", uv_platform(target)]
        words += ["--only-binary", ":all:", *_each("--no-binary", sorted(state.build))]
        # uv takes a folder for unchanged while its pyproject.toml is
        words += _each("--refresh-package", sorted(state.build))
        if self.question.options.refresh:
            words.append("--refresh")
        with _file("constraints", state.constraints()) as constraints:
            text = self._uv(
                *sources.arguments, *words, "-c", str(constraints), no_deps=sources.no_deps, build=bool(state.build)
            )
        place = pylock.Place(self.question.uv.folder, self.question.asked.source)
        return pylock.parse(text, place, target, Options())

    def _uv(self, *words: str, no_deps: bool = False, build: bool = False) -> str:
        uv = self.question.uv
        fixed = ["pip", "compile", "--format", "pylock.toml", "--no-header", "-q", *(["--no-deps"] if no_deps else [])]
        more = uv.without_compiler() if build and not self.question.options.native else {}
        return uv.run(*fixed, *words, **more)

    def _probe(self, requirement: str, *words: str) -> Pin | None:
        """The pin of one requirement alone, without what it depends on; None when there is none."""
        with _file("requirements", (*self.sources.options, requirement)) as listed:
            try:
                text = self._uv(str(listed), *words, no_deps=True)
            except UvFailed:
                return None
        place = pylock.Place(self.question.uv.folder, self.question.asked.source)
        target = self.question.uv.target
        return next(iter(pylock.parse(text, place, target, Options())), None)

    def _newest(self, requirement: str) -> Pin | None:
        target = self.question.uv.target
        words = ["--python-version", full_version(target), "--python-platform", uv_platform(target)]
        return self._probe(requirement, *words, "--only-binary", ":all:")

    def everything(self, requirement: str) -> Pin | None:
        """The newest version that a requirement allows, with all of its files, for whatever machine."""
        words = ["--python-version", full_version(self.question.uv.target)]
        return self._probe(requirement, *words, "--universal")

    def _walk(self, pin: Pin) -> list[Pin]:
        """The versions from this one down to the next that fits, that one left out."""
        walked = [pin]
        while len(walked) < _STEPS_MAX:
            older = self._newest(f"{pin.name}<{walked[-1].version}")
            if older is None or choose(older, self.question.uv.target) is not None:
                break
            walked.append(older)
        return walked

    def fitting(self, name: str) -> Pin | None:
        """The newest version of a package with a wheel for the target."""
        newest = self._newest(name)
        if newest is None or choose(newest, self.question.uv.target) is not None:
            return newest
        return self._newest(f"{name}<{self._walk(newest)[-1].version}")

    def _learn(self, text: str, state: _State) -> None:
        """Lets a package be built that has no wheels, or raises the PackagingError that tells what uv refused."""
        asked, uv = self.question.asked, self.question.uv
        package = wheelless.blamed(text)
        if package is None:
            raise translate(text, uv, asked.source) from None
        if package.name in state.build:
            raise translate(text, uv, asked.source) from None
        if package.local:
            state.build.add(package.name)
            return
        there = self.everything(package.spec)
        if there is None and not state.unfit.get(package.name):
            raise translate(text, uv, asked.source) from None
        there = there or state.unfit[package.name][0]
        if there.sdist and (self.question.options.native or not wheelless.has_linux_wheels(there)):
            state.build.add(package.name)
            state.unfit.pop(package.name, None)
            return
        raise not_fitting(there, self.question, self.fitting(package.name), text)


@contextmanager
def _file(name: str, lines: Iterator[str] | Sequence[str]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lambent-") as folder:
        path = Path(folder) / f"{name}.txt"
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        path.chmod(0o600)
        yield path


def _each(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def without_project(pins: Sequence[Pin], project: Path) -> tuple[Pin, ...]:
    """Without the project itself (`-e .`): its files are packed as they are."""
    return tuple(pin for pin in pins if pin.folder is None or pin.folder.resolve() != project.resolve())


def asked_for(pins: Sequence[Pin], names: frozenset[str]) -> tuple[Pin, ...]:
    """With `asked` set on those that the user named; all of them when nobody can tell."""
    return tuple(replace(pin, asked=not names or pin.name in names) for pin in pins)
