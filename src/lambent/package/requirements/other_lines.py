"""A project's requirements that its requirements.txt doesn't have: those of its layers and of the files next to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lambent.config.detection.layer_folders import layer_requirements
from lambent.package.requirements.discovery import RequirementSource
from lambent.package.requirements.requirement_lines import decode, logical_lines
from lambent.package.requirements.toml_file import read_toml

_PATTERNS = ("*requirements*.txt", "requirements/*.txt")


def lines_elsewhere(source: RequirementSource, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the lines of a project's other requirements files, each with its file: layers, siblings, then pyproject.toml."""
    files = [*layer_requirements(folder), *_siblings(source)]
    for path in files:
        file = (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()
        for line in logical_lines(decode(path.read_bytes())):
            yield line, file
    table = (read_toml(source.folder / "pyproject.toml") or {}) if source.kind == "requirements.txt" else {}
    extras = table.get("project", {}).get("optional-dependencies", {})
    for kind, options in (("extra", extras), ("group", table.get("dependency-groups", {}))):
        for name, lines in options.items():
            for line in filter(lambda line: isinstance(line, str), lines):
                yield line, f"the {kind} {name} of pyproject.toml"


def _siblings(source: RequirementSource) -> list[Path]:
    """Return the files next to a requirements.txt, such as requirements-dev.txt and requirements/dev.txt."""
    if source.kind != "requirements.txt" or source.path is None:
        return []
    folder = source.path.parent
    pattern = ("*.txt",) if folder.name == "requirements" else ()
    files = sorted({path for each in (*_PATTERNS, *pattern) for path in folder.glob(each)})
    return [path for path in files if path.is_file() and path != source.path]
