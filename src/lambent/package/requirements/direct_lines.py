"""Resolves requirement lines that come from a tool's own tables instead of a file that uv reads."""

from __future__ import annotations

from collections.abc import Sequence

from lambent.package.lock import Pin
from lambent.package.requirements.pip_compile import CompileInput, temporary_requirements
from lambent.package.requirements.requested import mark_requested, without_project
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.requirements.uv_resolver import UvResolver


def resolve_lines(lines: Sequence[str], index_lines: Sequence[str], request: ResolveRequest) -> tuple[Pin, ...]:
    """Return the pins of requirement lines and what they need. `index_lines` say where to look. Raises PackagingError."""
    with temporary_requirements((*index_lines, *lines)) as path:
        pins = UvResolver(request, CompileInput((str(path),), tuple(index_lines))).pins()
    return mark_requested(without_project(pins, request.source.folder), lines, request.target)
