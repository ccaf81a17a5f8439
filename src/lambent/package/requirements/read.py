"""The pins that a file of each format asks for, none of which is without something for the target."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lambent.lazy import LazyModule
from lambent.package.lock import Pin
from lambent.package.requirements import compiled, pylock, unlocked
from lambent.package.requirements.question import Question
from lambent.package.requirements.wheelless import has_linux_wheels
from lambent.package.wheels.choose_wheel import choose_wheel

if TYPE_CHECKING:
    from lambent.package.requirements import pdm, pipfile, poetry, unfitting, uv_lock
else:
    pdm, pipfile, poetry, unfitting, uv_lock = (
        LazyModule(f"lambent.package.requirements.{name}") for name in ("pdm", "pipfile", "poetry", "unfitting", "uv_lock")
    )

_READERS: dict[str, Callable[[Question], tuple[Pin, ...]]] = {
    "pylock": pylock.from_file,
    "uv.lock": lambda question: uv_lock.from_project(question),
    "script.lock": lambda question: uv_lock.from_script(question),
    "requirements.txt": unlocked.from_requirements,
    "pyproject.toml": unlocked.from_pyproject,
    "script": unlocked.from_script,
    "poetry.lock": lambda question: poetry.pins(question),
    "pdm.lock": lambda question: pdm.pins(question),
    "Pipfile.lock": lambda question: pipfile.pins(question),
}


def pins(question: Question) -> tuple[Pin, ...]:
    """By name. Raises PackagingError."""
    return _checked(_READERS[question.asked.kind](question), question)


def _checked(pins: tuple[Pin, ...], question: Question) -> tuple[Pin, ...]:
    """The pins by name. Raises PackagingError for one that has nothing for the target."""
    for pin in pins:
        if pin.folder or pin.repository or choose_wheel(pin, question.uv.target):
            continue
        if pin.sdist and (question.options.native or not has_linux_wheels(pin)):
            continue
        searched = compiled.Compiler(question, unlocked.places(question))
        raise unfitting.not_fitting(pin, question, searched.fitting(pin.name))
    return tuple(sorted(pins, key=lambda pin: pin.name))
