"""From what a project asks for to the exact files for one target: the verb of this folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.events import Emit, Notice, Warned, ignore
from lambent.lazy import LazyModule
from lambent.package.lock import Lock
from lambent.package.requirements import kept
from lambent.package.requirements.find import Asked
from lambent.package.requirements.kept import Resolution
from lambent.package.requirements.question import Options, Question, key
from lambent.package.uv_command import Uv

if TYPE_CHECKING:
    from lambent.package.requirements import read
else:
    read = LazyModule("lambent.package.requirements.read")


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
        found = Resolution(Lock(asked.source, read.pins(question)))
        kept.write(path, found)
        if asked.passed_over:
            said = f"the dependencies are those of {asked.source}; not looked at: {', '.join(asked.passed_over)}"
            emit(Notice(said))
    for what, hint in found.warnings:
        emit(Warned(what, hint))
    return found
