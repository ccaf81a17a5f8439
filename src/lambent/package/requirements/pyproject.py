"""Standard dependencies in pyproject.toml (PEP 621, PEP 735), resolved by uv.

The readers of locks use this module to see which packages the user requires.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from packaging.dependency_groups import resolve_dependency_groups

from lambent.errors import PackagingError
from lambent.package.lock import Pin
from lambent.package.requirements.pip_compile import CompileInput
from lambent.package.requirements.requested import mark_requested, without_project
from lambent.package.requirements.resolve_request import ResolveOptions, ResolveRequest, check_names
from lambent.package.requirements.toml_file import read_toml
from lambent.package.requirements.uv_resolver import UvResolver


def read_pins(request: ResolveRequest) -> tuple[Pin, ...]:
    """Return the pins of `[project] dependencies` and of the selected extras and groups. Raises PackagingError."""
    table = read_toml(request.path) or {}
    options = request.options
    extras = table.get("project", {}).get("optional-dependencies", {})
    check_names("extra", options.extras, extras, request.source.name)
    check_names("dependency group", options.groups, table.get("dependency-groups", {}), request.source.name)
    index = index_lines(request)
    arguments = (request.path.name, *selection_arguments(options), *(word for line in index for word in line.split(" ", 1)))
    pins = UvResolver(request, CompileInput(arguments, index)).pins()
    lines = selected_lines(table, options)
    return mark_requested(without_project(pins, request.source.folder), lines, request.target)


def index_lines(request: ResolveRequest) -> tuple[str, ...]:
    """Return [[tool.pdm.source]] as lines for uv, ${VARIABLES} expanded. The source called pypi replaces PyPI.

    uv reads its own settings itself.
    """
    table, environ = read_toml(request.source.folder / "pyproject.toml") or {}, request.uv.environ
    lines = []
    for source in table.get("tool", {}).get("pdm", {}).get("source", ()):
        url = re.sub(r"\$\{(\w+)\}", lambda match: environ.get(match[1], match[0]), str(source.get("url", "")))
        if source.get("type") == "find_links":
            lines.append(f"--find-links {url}")
        elif url:
            lines.append(f"{'--index-url' if source.get('name') == 'pypi' else '--extra-index-url'} {url}")
    return tuple(lines)


def selection_arguments(options: ResolveOptions) -> list[str]:
    """Return uv's arguments for the selected extras and groups."""
    extras = [argument for name in options.extras for argument in ("--extra", name)]
    return extras + [argument for name in options.groups for argument in ("--group", name)]


def selected_lines(table: Mapping[str, Any], options: ResolveOptions) -> list[str]:
    """Return the requirement lines of a pyproject.toml that count: dependencies, selected extras and groups.

    Raises PackagingError for groups that can't be read.
    """
    project = table.get("project", {})
    extras = project.get("optional-dependencies", {})
    lines = [*project.get("dependencies", ()), *(line for name in options.extras for line in extras.get(name, ()))]
    return lines + group_lines(table, options.groups)


def group_lines(table: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """Return the lines of `[dependency-groups]` and of the groups they include. Unknown names have none.

    Raises PackagingError.
    """
    groups = table.get("dependency-groups", {})
    try:
        return list(resolve_dependency_groups(groups, *(name for name in names if name in groups)))
    except (ExceptionGroup, ValueError, TypeError, LookupError) as error:
        raise PackagingError(
            f"cannot read a dependency group: {error}",
            where="pyproject.toml [dependency-groups]",
            hint='write it as a list of requirements and { include-group = "NAME" } entries',
        ) from error
