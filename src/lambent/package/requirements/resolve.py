"""From what a project asks for to the exact files for one target: the verb of this folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lambent.events import Emit, Notice, Warned, ignore
from lambent.package.lock import Lock, Pin
from lambent.package.requirements import compiled, kept, pdm, pipfile, poetry, pylock, unlocked, uv_lock
from lambent.package.requirements.find import Asked
from lambent.package.requirements.kept import Resolution
from lambent.package.requirements.question import Options, Question, key
from lambent.package.requirements.unfitting import not_fitting
from lambent.package.requirements.wheelless import has_linux_wheels
from lambent.package.uv import Uv
from lambent.package.wheels.choose import choose

_READERS: dict[str, Callable[[Question], tuple[Pin, ...]]] = {
    "pylock": pylock.from_file,
    "uv.lock": uv_lock.from_project,
    "script.lock": uv_lock.from_script,
    "requirements.txt": unlocked.from_requirements,
    "pyproject.toml": unlocked.from_pyproject,
    "script": unlocked.from_script,
    "poetry.lock": poetry.pins,
    "pdm.lock": pdm.pins,
    "Pipfile.lock": pipfile.pins,
}


def resolve(asked: Asked, uv: Uv, cache: Path, options: Options | None = None, emit: Emit = ignore) -> Resolution:
    """The lock for uv's target; `find.find` says what is asked. uv's own folder does not matter here.

    Each pin has a wheel that `choose` finds, or a source that is to be built: `sdist`, `folder` or `repository`. An answer
    is kept in `cache` and used for as long as nothing that was asked changes (or `options.refresh`), without starting uv.
    Raises PackagingError, OSError for a disk that is full.
    """
    question = Question(asked, replace(uv, folder=asked.folder), options or Options())
    if asked.path is None:
        return Resolution(Lock(asked.source, ()), cached=True)
    path = cache / "locks" / f"{key(question)}.json"
    found = None if question.options.refresh else kept.read(path)
    if found is None:
        pins = _READERS[asked.kind](question)
        found = Resolution(Lock(asked.source, _checked(pins, question)))
        kept.write(path, found)
        if asked.passed_over:
            said = f"the dependencies are those of {asked.source}; not looked at: {', '.join(asked.passed_over)}"
            emit(Notice(said))
    for what, hint in found.warnings:
        emit(Warned(what, hint))
    return found


def _checked(pins: tuple[Pin, ...], question: Question) -> tuple[Pin, ...]:
    """The pins by name. Raises PackagingError for one that has nothing for the target."""
    for pin in pins:
        if pin.folder or pin.repository or choose(pin, question.uv.target):
            continue
        if pin.sdist and (question.options.native or not has_linux_wheels(pin)):
            continue
        searched = compiled.Compiler(question, unlocked.places(question))
        raise not_fitting(pin, question, searched.fitting(pin.name))
    return tuple(sorted(pins, key=lambda pin: pin.name))
