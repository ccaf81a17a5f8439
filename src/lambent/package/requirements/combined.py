"""The requirements of several functions that become one: the lines of all their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from lambent.errors import PackagingError
from lambent.package.requirements.discovery import RequirementSource
from lambent.package.requirements.requirement_lines import logical_lines, read_requirement_files, write_requirements
from lambent.units import listing


def combine(sources: Sequence[RequirementSource], cache: Path, environ: Mapping[str, str]) -> RequirementSource:
    """Return the only source, or one with the lines of several, written to the cache.

    Raises PackagingError for several that aren't all requirements.txt, or that can't be read.
    """
    first, *others = sources
    if not others:
        return first
    names = listing([source.name for source in sources])
    if any(source.kind != "requirements.txt" for source in sources):
        what = f"the functions state their requirements in {names}, and only requirements.txt files can become one"
        hint = "write a requirements.txt next to each function, or deploy one function alone: --app module:function"
        raise PackagingError(what, where=first.name, hint=hint)
    files = [
        file
        for source in sources
        if source.path is not None
        for file in read_requirement_files(source.path, environ, source.name)
    ]
    lines = (line for file in files if not file.is_constraint for line in logical_lines(file.text))
    own = dict.fromkeys(line for line in lines if not line.startswith(("-r", "-c", "--requirement", "--constraint")))
    return replace(first, path=write_requirements(own, cache / "combined"), name=names, folder=first.project)
