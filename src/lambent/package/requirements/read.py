"""The pins that a file of each format asks for, none of which is without something for the target."""

from __future__ import annotations

from collections.abc import Callable

from lambent.package.lock import Pin
from lambent.package.requirements import compiled, pdm, pipfile, poetry, pylock, unlocked, uv_lock
from lambent.package.requirements.question import Question
from lambent.package.requirements.unfitting import not_fitting
from lambent.package.requirements.wheelless import has_linux_wheels
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


def pins(question: Question) -> tuple[Pin, ...]:
    """By name. Raises PackagingError."""
    return _checked(_READERS[question.asked.kind](question), question)


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
